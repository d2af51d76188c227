"""One row of the table of what frameworks read when they load a model."""

from dataclasses import dataclass
from typing import Any

# What becomes of a file or key here.
READ, REFUSED, NOTED, IDLE = MARKS = ("read", "refused", "noted", "idle")


@dataclass(frozen=True)
class Known:
    """A file, or a key of one, that a framework reads when it loads a model.

    Attributes:
        file: its name; where a module's directory has it, "*/config.json".
        key: the key, with dots between nested ones and "*" for any; "" is the file itself.
        mark: READ, it changes what is computed; REFUSED, it would and nothing here does it, so a
            value that isn't neutral is an error; NOTED, it may matter, so info() and doctor say it;
            IDLE, it changes nothing that an encoder computes.
        effect: what it does, in words that stand in the documentation, and after "which" in a
            message where it is refused or noted.
        neutral: values under which it does nothing, beside null and being absent.
        instead: where it is refused, what to do.
        where: the classes that it concerns, such as a module's; empty: all.
    """

    file: str
    key: str
    mark: str
    effect: str
    neutral: tuple[Any, ...] = ()
    instead: str = ""
    where: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        assert self.mark in MARKS
        assert bool(self.instead) == (self.mark == REFUSED), self
