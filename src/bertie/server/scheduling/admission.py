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
        self._longest = settings.queue_s
        self._most = Held(
            settings.queue_requests,
            settings.queue_inputs,
            settings.queue_characters,
            settings.queue_tokens,
        )

    def enter(self, asked: Held, inputs: int, characters: int, rate: float) -> None:
        """Admit a request by what is known without its tokens.

        Args:
            asked: takes what the request holds from then on, to be given back by `leave`.
            inputs, characters: of the request.
            rate: tokens computed in a second, as far as is known; 0 where it isn't.
        Raises: InputError: it is too large ever to be admitted.
        Raises: Overloaded: it isn't admitted now.
        """
        if self.closed:
            raise Overloaded("the server is stopping: ask another one, or this one later", _SOONEST)
        self._check("requests", 1, rate)
        self._check("inputs", inputs, rate)
        self._check("characters", characters, rate)
        asked.requests, asked.inputs, asked.characters = 1, inputs, characters
        self.held.requests += 1
        self.held.inputs += inputs
        self.held.characters += characters

    def count(self, asked: Held, tokens: int, rate: float) -> None:
        """Admit a request by its tokens, too.

        Raises: as enter.
        """
        self._check("tokens", tokens, rate)
        wait = self.held.tokens / rate if rate else 0.0
        if wait > self._longest:
            raise Overloaded(
                f"what is waiting takes {wait:.1f} seconds to compute, expected at most"
                f" {self._longest:g}: ask again later",
                _retry(wait),
            )
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
                _retry(wait),
            )


def _retry(wait: float) -> float:
    """Say when to come back, given the seconds that all that waits takes."""
    return min(max(wait, _SOONEST), _LATEST)
