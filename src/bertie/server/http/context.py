"""A request's context: what its handler needs, and what came of it so far."""

import time
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from bertie.server.http.errors import RequestError
from bertie.server.methods import METHODS
from bertie.server.scheduling.inference import InferenceRequest, InferenceResponse, as_tuples
from bertie.tokenize import Tokenizer

if TYPE_CHECKING:
    from bertie.server.http.api import Api
    from bertie.server.http.app_state import AppState
    from bertie.server.scheduling.registry import ModelEntry


class Context:
    """The context of one request, over HTTP or gRPC.

    Attributes:
        state: what all requests share.
        service: what answers.
        settings: those of HTTP.
        api: the one whose words are spoken.
        model: the model that the path or the metadata names, or None.
        path_params: the rest of what the path says.
        priority: the higher is computed first.
        deadline: when the answer is of no use any more, in seconds of time.monotonic.
        responses: what the service gave, in the order asked.
        entry: the model that was found last.
        input_count: inputs of the request.
    """

    __slots__ = (
        "api",
        "deadline",
        "entry",
        "input_count",
        "model",
        "path_params",
        "priority",
        "responses",
        "service",
        "settings",
        "state",
    )

    def __init__(
        self,
        state: "AppState",
        api: "Api",
        *,
        model: str | None = None,
        path_params: Mapping[str, str] | None = None,
        priority: int = 0,
        timeout_s: float | None = None,
    ) -> None:
        """Start a request.

        Args:
            timeout_s: seconds that the request has; None is what the settings say.
            Others: as the attributes.
        """
        self.state = state
        self.service = state.service
        self.settings = state.settings
        self.api = api
        self.model = model
        self.path_params = path_params or {}
        self.priority = priority
        most = state.settings.request_timeout_s
        self.deadline = time.monotonic() + (most if timeout_s is None else min(timeout_s, most))
        self.responses: list[InferenceResponse] = []
        self.entry: ModelEntry | None = None
        self.input_count = 0

    def find(self, task: str, model: str | None = None) -> "ModelEntry":
        """Find the model for a task: the path's, the body's, or the task's default.

        Raises: UnknownModel, TaskError: there is none.
        """
        self.entry = self.service.find(self.model or model or None, task)
        return self.entry

    def find_any(self, model: str | None = None) -> "ModelEntry":
        """Find a model whatever it is for: the one that is named, else the default.

        Raises: UnknownModel: there is none.
        """
        self.entry = self.service.any(self.model or model or None)
        return self.entry

    def find_exactly(self, name: str) -> "ModelEntry":
        """Find the model of exactly this name. Raises: UnknownModel: there is none."""
        self.entry = self.service.entry(name)
        return self.entry

    async def tokenizer(self, task: str | None = None, model: str | None = None) -> Tokenizer:
        """Give a model's tokenizer; the model is loaded then, so its settings are known.

        Args:
            task: what the model is for; None is whatever it is for.
            model: the body's word for it.
        Raises: UnknownModel, TaskError: there is none.
        """
        entry = self.find(task, model) if task else self.find_any(model)
        return await self.service.tokenizer(entry.name)

    def model_setting(self, name: str) -> Any:
        """Give a setting of the model that was found last, which is loaded; None where none is."""
        assert self.entry is not None
        found = self.entry.info["settings"].get(name)
        return None if found is None else found["value"]

    async def infer(
        self, method: str, inputs: Iterable[Any], *, model: str | None = None, **options: Any
    ) -> InferenceResponse:
        """Have a model compute.

        Args:
            method: a key of METHODS.
            inputs: as the method takes them.
            model: the body's word for it.
            options: of the library's method; None leaves the method's own default.
        Raises: whatever Service.find and Service.infer raise.
        """
        entry = self.find(METHODS[method].task, model)
        given = tuple(
            sorted((name, as_tuples(value)) for name, value in options.items() if value is not None)
        )
        request = InferenceRequest(
            entry.name, method, tuple(inputs), given, self.priority, self.deadline
        )
        self.input_count += len(request.inputs)
        response = await self.service.infer(request)
        self.responses.append(response)
        return response

    @property
    def model_name(self) -> str:
        """The name of the model that was found last."""
        return self.entry.name if self.entry else ""

    @property
    def tokens(self) -> int:
        """Tokens that were read for all that was asked."""
        return sum(sum(response.tokens) for response in self.responses)

    def check_count(self, count: int, what: str = "input", *, limit: str | None = None) -> None:
        """Refuse more inputs than the API takes, before anything is done with them.

        Args:
            count: how many there are.
            what: the body's word for them.
            limit: the setting that says how many there may be; None is the API's.
        Raises: RequestError: there are more.
        """
        name = limit or self.api.input_limit
        most = getattr(self.settings, name)
        if count > most:
            raise RequestError(
                "invalid",
                f"{what} has {count} entries, expected at most {most} ({name}): send several"
                " requests",
                param=what,
            )
