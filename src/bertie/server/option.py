"""Options: the fields of a group of settings, and how a text becomes the value of one."""

from collections.abc import Iterator
from dataclasses import MISSING, dataclass, field, fields
from pathlib import Path
from reprlib import repr as shown
from types import NoneType
from typing import Any, get_args, get_origin, get_type_hints

from bertie.errors import InputError

_TRUE = ("1", "true", "yes", "on")
_FALSE = ("0", "false", "no", "off")
_SUFFIXES = {"k": 10**3, "m": 10**6, "g": 10**9, "ki": 2**10, "mi": 2**20, "gi": 2**30}
_KINDS = {
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    str: "a text",
    Path: "a path",
}


def option(
    default: Any,
    help: str,
    *,
    unit: str = "",
    minimum: float | None = None,
    choices: tuple[str, ...] = (),
) -> Any:
    """Declare a field of a group of settings.

    Args:
        default: its value where nothing is said.
        help: a sentence for --help and the docs.
        unit: what it counts.
        minimum: the smallest number that it may be.
        choices: the only texts that it may be.
    """
    metadata = {"help": help, "unit": unit, "minimum": minimum, "choices": choices}
    return field(default=default, metadata=metadata)


@dataclass(frozen=True)
class Option:
    """One option, as its field declares it.

    Attributes:
        name: the field's, and the file's key.
        kind: bool, int, float, str or Path; of each value where there are several.
        multiple: whether it is a tuple of any number of values.
        optional: whether it may be None.
        default: its value where nothing is said.
        help, unit, minimum, choices: as `option` takes them.
    """

    name: str
    kind: type
    multiple: bool
    optional: bool
    default: Any
    help: str
    unit: str
    minimum: float | None
    choices: tuple[str, ...]

    @property
    def flag(self) -> str:
        """The option on the command line."""
        return "--" + self.name.replace("_", "-")

    @property
    def variable(self) -> str:
        """The environment's variable."""
        return "BERTIE_" + self.name.upper()

    def parse(self, text: str, origin: str) -> Any:
        """Turn a text of the command line or the environment into a value.

        Args:
            text: several values stand with commas between them.
            origin: where it is from, for the message.
        Raises: InputError: it is no value of this option.
        """
        if self.multiple:
            parts = [part.strip() for part in text.split(",") if part.strip()]
            return self.check(tuple(self._parse_one(part, origin) for part in parts), origin)
        return self.check(self._parse_one(text.strip(), origin), origin)

    def check(self, value: Any, origin: str) -> Any:
        """Check a value; lists become tuples, whole numbers and texts what the option is.

        Raises: InputError: it is no value of this option.
        """
        if value is None and self.optional:
            return None
        if not self.multiple:
            return self._check_one(value, origin)
        if not isinstance(value, (list, tuple)):
            raise self._error(value, origin)
        return tuple(self._check_one(one, origin) for one in value)

    def _parse_one(self, text: str, origin: str) -> Any:
        """Turn a text into one value."""
        lower = text.lower()
        if self.kind is bool and lower in (*_TRUE, *_FALSE):
            return lower in _TRUE
        if self.kind not in (int, float):
            return text
        digits = lower.rstrip("kmgi")
        try:
            if self.kind is int and self.unit == "bytes" and digits != lower:
                return int(float(digits) * _SUFFIXES[lower[len(digits) :]])
            return self.kind(lower)
        except (ValueError, KeyError):
            raise self._error(text, origin) from None

    def _check_one(self, value: Any, origin: str) -> Any:
        """Check one value against what the option may be."""
        if self.kind is int and self.unit == "bytes" and isinstance(value, str):
            value = self._parse_one(value, origin)
        if self.kind is float and type(value) is int:
            value = float(value)
        if self.kind is Path and isinstance(value, str):
            value = Path(value)
        fits = isinstance(value, Path) if self.kind is Path else type(value) is self.kind
        if not fits or (self.choices and value not in self.choices):
            raise self._error(value, origin)
        if self.minimum is not None and not value >= self.minimum:  # a NaN is refused, too
            raise self._error(value, origin)
        return value

    def _error(self, value: Any, origin: str) -> InputError:
        """Say what was expected."""
        expected = ", ".join(self.choices) or _KINDS[self.kind]
        several = "several, each " if self.multiple else ""
        unit = f" of {self.unit}" if self.unit else ""
        least = f", at least {self.minimum:g}" if self.minimum is not None else ""
        return InputError(f"{origin} is {shown(value)}, expected {several}{expected}{unit}{least}")


def options_of(group: type[Any]) -> Iterator[Option]:
    """List the options of a group of settings.

    Args:
        group: a dataclass whose fields are made by `option`.
    """
    hints = get_type_hints(group)
    for one in fields(group):
        if "help" not in one.metadata:
            continue
        kind = hints[one.name]
        optional = NoneType in get_args(kind) and get_origin(kind) is not tuple
        if optional:
            (kind,) = (part for part in get_args(kind) if part is not NoneType)
        multiple = get_origin(kind) is tuple
        kind = get_args(kind)[0] if multiple else kind
        assert one.default is not MISSING
        yield Option(one.name, kind, multiple, optional, one.default, **one.metadata)
