"""A connection: where a server is, and the requests that clients send it."""

import os
import warnings
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import quote, urlsplit

from bertie.checkpoint.config import Setting
from bertie.client.methods import RemoteMethod
from bertie.client.request import Exchange, Request, send_with_retries
from bertie.errors import InputError, TruncationWarning
from bertie.tasks.info import ModelInfo

KEY = "BERTIE_KEY"
_TRANSFER_TIMEOUT = 5.0  # seconds that a response may be under way


class Connection:
    """What clients have in common.

    Attributes:
        url: the server's root.
        model: whose answers are asked for; None takes the server's default for the task.
    """

    def __init__(
        self,
        url: str,
        *,
        model: str | None = None,
        key: str | None = None,
        timeout: float = 60.0,
        retries: int = 5,
        priority: int = 0,
    ) -> None:
        """Settle where requests go; nothing is sent yet.

        Args:
            url: the server's root, such as http://127.0.0.1:8080.
            model: a model's name there; None takes the server's default for the task.
            key: an API key; None takes the variable BERTIE_KEY, if there is one.
            timeout: seconds that the server has for an answer.
            retries: how often a request that was refused for lack of room (429) or of a worker
                (503) is sent again, after the time that Retry-After names.
            priority: the higher is computed first.
        Raises: InputError: url is none of HTTP; a timeout of nothing.
        """
        if urlsplit(url).scheme not in ("http", "https"):
            raise InputError(f"url is {url!r}, expected one such as http://127.0.0.1:8080")
        if not timeout > 0:
            raise InputError(f"timeout is {timeout!r}, expected seconds above 0")
        self.url = url.rstrip("/")
        self.model = model
        self._retries = retries
        key = os.environ.get(KEY) if key is None else key
        headers = {"x-timeout-ms": str(round(timeout * 1000)), "x-priority": str(priority)}
        if key:
            headers["authorization"] = f"Bearer {key}"
        self._transport: Mapping[str, Any] = {
            "base_url": self.url,
            "headers": headers,
            "timeout": timeout + _TRANSFER_TIMEOUT,
        }

    def _call_method(self, remote: RemoteMethod, body: Mapping[str, Any]) -> Exchange:
        """Call a method. Returns: the response's body."""
        return self._post(f"v1/{remote.route or remote.name}", body)

    def _decode_ids(self, ids: Sequence[int]) -> Exchange:
        """Ask for the tokens of some ids. Returns: a list of texts."""
        body = {"ids": [[id] for id in ids], "skip_special_tokens": False}
        return self._post("decode", body)

    def _fetch_info(self) -> Exchange:
        """Ask what the model is. Returns: ModelInfo."""
        name = self.model
        if name is None:
            name = (yield from self._list_models())[0]["id"]
        path = f"/v1/models/{quote(name, safe='')}/info"
        info: dict[str, Any] = dict((yield from self._get(path)))
        info["settings"] = {key: Setting(**one) for key, one in info["settings"].items()}
        for key in ("modules", "unused", "notes"):
            info[key] = tuple(info[key])
        return ModelInfo(**info)

    def _list_models(self) -> Exchange:
        """Ask which models there are. Returns: a list of objects, each with an id."""
        response = yield from self._get("/v1/models")
        return response["data"]

    def _get(self, path: str) -> Exchange:
        return send_with_retries(Request("GET", path), self._retries)

    def _post(self, route: str, body: Mapping[str, Any]) -> Exchange:
        return send_with_retries(Request("POST", self._path(route), body), self._retries)

    def _path(self, route: str) -> str:
        """Address the model's route."""
        return (
            f"/{route}" if self.model is None else f"/models/{quote(self.model, safe='')}/{route}"
        )


def warn_truncated(left_out: Iterable[int], stacklevel: int) -> None:
    """Warn of the tokens that the server left out of texts, on behalf of a caller further up."""
    counts = list(left_out)
    if cut := [count for count in counts if count]:
        warnings.warn(
            f"{len(cut)} of {len(counts)} texts had more tokens than the model reads:"
            f" {sum(cut)} tokens were left out",
            TruncationWarning,
            stacklevel=stacklevel + 1,
        )
