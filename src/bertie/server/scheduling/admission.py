"""Admission: whether there is room for a request, all of it or none."""

from dataclasses import dataclass

from bertie.errors import InputError, Overloaded
from bertie.server.settings import SchedulingSettings

# Seconds between which a client is told to wait.
_SOONEST_S, _LATEST_S = 1.0, 60.0


@dataclass(slots=True)
class Usage:
    """What requests take of the room that there is: one, all that are admitted, or the most.

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
        usage: of all requests that are admitted and not yet answered.
        closed: whether nothing is admitted any more.
    """

    def __init__(self, settings: SchedulingSettings) -> None:
        self.usage = Usage()
        self.closed = False
        self._max_wait_s = settings.queue_s
        self._limits = Usage(
            settings.queue_requests,
            settings.queue_inputs,
            settings.queue_characters,
            settings.queue_tokens,
        )

    def admit(self, usage: Usage, inputs: int, characters: int, rate: float) -> None:
        """Admit a request by what is known without its tokens.

        Args:
            usage: takes what the request takes from then on, to be given back by `release`.
            inputs, characters: of the request.
            rate: tokens computed in a second, as far as is known; 0 where it isn't.
        Raises: InputError: it is too large ever to be admitted.
        Raises: Overloaded: it isn't admitted now.
        """
        if self.closed:
            raise Overloaded(
                "the server is stopping: ask another one, or this one later", _SOONEST_S
            )
        self._check("requests", 1, rate)
        self._check("inputs", inputs, rate)
        self._check("characters", characters, rate)
        usage.requests, usage.inputs, usage.characters = 1, inputs, characters
        self.usage.requests += 1
        self.usage.inputs += inputs
        self.usage.characters += characters

    def admit_tokens(self, usage: Usage, tokens: int, rate: float) -> None:
        """Admit a request by its tokens, too.

        Raises: as admit.
        """
        self._check("tokens", tokens, rate)
        wait = self.usage.tokens / rate if rate else 0.0
        if wait > self._max_wait_s:
            raise Overloaded(
                f"what is waiting takes {wait:.1f} seconds to compute, expected at most"
                f" {self._max_wait_s:g}: ask again later",
                _retry_after(wait),
            )
        usage.tokens = tokens
        self.usage.tokens += tokens

    def release(self, usage: Usage) -> None:
        """Take note that a request is over."""
        self.usage.requests -= usage.requests
        self.usage.inputs -= usage.inputs
        self.usage.characters -= usage.characters
        self.usage.tokens -= usage.tokens

    def _check(self, name: str, count: int, rate: float) -> None:
        """Refuse what there is no room for."""
        used, most = getattr(self.usage, name), getattr(self._limits, name)
        if count > most:
            raise InputError(
                f"the request has {count} {name}, expected at most {most}: send several requests"
            )
        if used + count > most:
            wait = self.usage.tokens / rate if rate else _SOONEST_S
            raise Overloaded(
                f"{used} {name} are waiting or being computed and {count} more don't fit into"
                f" {most}: ask again later",
                _retry_after(wait),
            )


def _retry_after(wait: float) -> float:
    """Say when to come back, given the seconds that all that waits takes."""
    return min(max(wait, _SOONEST_S), _LATEST_S)
