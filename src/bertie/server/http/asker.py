"""What a route has in hand: the service, who asks, and what came of it."""

import time
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from bertie.errors import UnknownModel
from bertie.server.http.faults import Refused
from bertie.server.http.route import Api
from bertie.server.methods import METHODS
from bertie.server.scheduling.inference import InferenceRequest, InferenceResponse
from bertie.tokenize import Tokenizer

if TYPE_CHECKING:
    from bertie.server.http.app import Application
    from bertie.server.scheduling.registry import ModelEntry


class Asker:
    """One request's way to the models, whatever it came in by.

    Attributes:
        app: the server.
        service: what answers.
        settings: those of HTTP.
        api: whose words are spoken.
        model: the model that the path or the metadata names, or None.
        parts: the rest of what the path says.
        priority: the higher is computed first.
        deadline: when the answer is of no use any more, in seconds of time.monotonic.
        answered: what the service gave, in the order asked.
        entry: the model that was asked last.
        count: inputs of the request.
    """

    __slots__ = (
        "answered",
        "api",
        "app",
        "count",
        "deadline",
        "entry",
        "model",
        "parts",
        "priority",
        "service",
        "settings",
    )

    def __init__(
        self,
        app: "Application",
        api: Api,
        *,
        model: str | None = None,
        parts: Mapping[str, str] | None = None,
        priority: int = 0,
        timeout_s: float | None = None,
    ) -> None:
        """Start a request.

        Args:
            timeout_s: seconds that the request has; None is what the settings say.
            Others: as the attributes.
        """
        self.app = app
        self.service = app.service
        self.settings = app.settings
        self.api = api
        self.model = model
        self.parts = parts or {}
        self.priority = priority
        most = app.settings.request_timeout_s
        self.deadline = time.monotonic() + (most if timeout_s is None else min(timeout_s, most))
        self.answered: list[InferenceResponse] = []
        self.entry: ModelEntry | None = None
        self.count = 0

    def find(self, task: str, model: str | None = None) -> "ModelEntry":
        """Find the model for a task: the path's, the body's, or the task's default.

        Raises: UnknownModel, TaskError: there is none.
        """
        self.entry = self.service.find(self.model or model or None, task)
        return self.entry

    async def tokenizer(self, task: str | None = None, model: str | None = None) -> Tokenizer:
        """Give a model's tokenizer; the model is loaded then, so its settings are known.

        Args:
            task: what the model is for; None is whatever it is for.
            model: the body's word for it.
        Raises: UnknownModel, TaskError: there is none.
        """
        entry = self.find(task, model) if task else self.any(model)
        return await self.service.tokenizer(entry.name)

    def any(self, model: str | None = None) -> "ModelEntry":
        """Find a model whatever it is for: the one that is named, else the default.

        Raises: UnknownModel: there is none.
        """
        self.entry = self.service.any(self.model or model or None)
        return self.entry

    def named(self, name: str) -> "ModelEntry":
        """Find the model of exactly this name. Raises: UnknownModel: there is none."""
        for entry in self.service.models():
            if entry.name == name:
                self.entry = entry
                return entry
        known = ", ".join(entry.name for entry in self.service.models()) or "none"
        raise UnknownModel(f"model {name!r} isn't known here; the server's models are: {known}")

    def setting(self, name: str) -> Any:
        """Give a setting of the model that was found last, which is loaded; None where none is."""
        assert self.entry is not None
        found = self.entry.info["settings"].get(name)
        return None if found is None else found["value"]

    async def ask(
        self, call: str, inputs: Iterable[Any], *, model: str | None = None, **options: Any
    ) -> InferenceResponse:
        """Ask a model.

        Args:
            call: a key of METHODS.
            inputs: as the call takes them.
            model: the body's word for it.
            options: of the library's method; None leaves the method's own default.
        Raises: whatever Service.find and Service.infer raise.
        """
        entry = self.find(METHODS[call].task, model)
        given = tuple(
            sorted((name, _hashable(value)) for name, value in options.items() if value is not None)
        )
        asked = InferenceRequest(
            entry.name, call, tuple(inputs), given, self.priority, self.deadline
        )
        self.count += len(asked.inputs)
        answered = await self.service.infer(asked)
        self.answered.append(answered)
        return answered

    @property
    def model_name(self) -> str:
        """The name of the model that was asked last."""
        return self.entry.name if self.entry else ""

    @property
    def tokens(self) -> int:
        """Tokens that were read for all that was asked."""
        return sum(sum(one.tokens) for one in self.answered)

    def check_count(self, count: int, what: str = "input", *, limit: str | None = None) -> None:
        """Refuse more inputs than the API takes, before anything is done with them.

        Args:
            count: how many there are.
            what: the body's word for them.
            limit: the setting that says how many there may be; None is the API's.
        Raises: Refused: there are more.
        """
        name = limit or self.api.inputs
        most = getattr(self.settings, name)
        if count > most:
            raise Refused(
                "invalid",
                f"{what} has {count} entries, expected at most {most} ({name}): send several"
                " requests",
                param=what,
            )


def _hashable(value: Any) -> Any:
    """Turn lists into tuples."""
    return tuple(map(_hashable, value)) if isinstance(value, (list, tuple)) else value
