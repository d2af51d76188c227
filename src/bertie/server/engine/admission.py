"""Admission: whether there is room for a request, all of it or none."""

from dataclasses import dataclass

from bertie.errors import InputError, Overloaded
from bertie.server.settings import EngineSettings

# Seconds between which a client is told to wait.
_SOONEST, _LATEST = 1.0, 60.0


@dataclass(slots=True)
class Held:
    """What is admitted and not yet answered, or what one request adds to it.

    Attributes:
        requests, inputs, characters, tokens: how many.
    """

    requests: int = 0
    inputs: int = 0
    characters: int = 0
    tokens: int = 0


class Admission:
    """Room for requests.

    Attributes:
        held: by the requests that are admitted.
        closed: whether nothing is admitted any more.
    """

    def __init__(self, settings: EngineSettings) -> None:
        self.held = Held()
        self.closed = False
        self._most = Held(
            settings.queue_requests,
            settings.queue_inputs,
            settings.queue_characters,
            settings.queue_tokens,
        )

    def enter(self, inputs: int, characters: int, rate: float) -> Held:
        """Admit a request by what is known without its tokens.

        Args:
            inputs, characters: of the request.
            rate: tokens computed in a second, as far as is known; 0 where it isn't.
        Returns: what the request holds, to be given back by `leave`.
        Raises: InputError: it is too large ever to be admitted.
        Raises: Overloaded: it isn't admitted now.
        """
        if self.closed:
            raise Overloaded("the server is stopping: ask another one, or this one later", _SOONEST)
        asked = Held(1, inputs, characters)
        for name in ("requests", "inputs", "characters"):
            self._check(name, getattr(asked, name), rate)
        self.held.requests += 1
        self.held.inputs += inputs
        self.held.characters += characters
        return asked

    def count(self, asked: Held, tokens: int, rate: float) -> None:
        """Admit a request by its tokens, too.

        Raises: as enter.
        """
        self._check("tokens", tokens, rate)
        asked.tokens = tokens
        self.held.tokens += tokens

    def leave(self, asked: Held) -> None:
        """Take note that a request is over."""
        self.held.requests -= asked.requests
        self.held.inputs -= asked.inputs
        self.held.characters -= asked.characters
        self.held.tokens -= asked.tokens

    def _check(self, name: str, asked: int, rate: float) -> None:
        """Refuse what there is no room for."""
        held, most = getattr(self.held, name), getattr(self._most, name)
        if asked > most:
            raise InputError(
                f"the request has {asked} {name}, expected at most {most}: send several requests"
            )
        if held + asked > most:
            wait = self.held.tokens / rate if rate else _SOONEST
            raise Overloaded(
                f"{held} {name} are waiting or being computed and {asked} more don't fit into"
                f" {most}: ask again later",
                min(max(wait, _SOONEST), _LATEST),
            )
