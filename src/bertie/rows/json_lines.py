"""One line of JSONL: an object whose every value is kept as it was written, or why it is none."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

_DEEPEST = 100  # lists and objects in one another; how many Python bears depends on who calls
_TOO_DEEP = f"JSON nested too deeply, expected at most {_DEEPEST} lists and objects in one another"


def read_object(text: str) -> tuple[dict[str, Any], str | None]:
    """Read a JSON object, or say why it is none, or why Python would have changed it."""
    try:
        fields = _DECODER.decode(text)
    except ValueError as error:
        return {}, f"not JSON: {error}"
    except RecursionError:
        return {}, _TOO_DEEP
    if not isinstance(fields, dict):
        return {}, f"a JSON {type(fields).__name__}, expected an object"
    if text.count("[") + text.count("{") > _DEEPEST and _is_deep(fields):
        return {}, _TOO_DEEP
    return fields, None


def is_json_line(text: Any) -> bool:
    """Whether a text is one JSON value, of any kind, in one line."""
    try:
        _DECODER.decode(text)
    except (ValueError, TypeError, RecursionError):
        return False
    return not {*text} & {"\n", "\r"}


def is_exact(value: int) -> bool:
    """Whether float64 has a whole number."""
    try:
        return int(float(value)) == value
    except OverflowError:
        return False


def is_unicode(text: str) -> bool:
    """Whether a text is whole Unicode; JSON can spell half of a surrogate pair."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def members(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    """Make an object of its members. Raises: ValueError: two have one key."""
    fields = dict(pairs)
    if len(fields) < len(pairs):
        times = Counter(key for key, _ in pairs)
        twice = next(key for key, count in times.items() if count > 1)
        raise ValueError(f"key {twice[:40]!r} twice in one object")
    return fields


def _number(text: str) -> float:
    """Read a number with a point or an exponent. Raises: ValueError: it is too large."""
    value = float(text)
    if value - value != 0:
        raise ValueError(f"number {text[:40]} is beyond what 64 bits hold")
    return value


_DECODER = json.JSONDecoder(object_pairs_hook=members, parse_float=_number)


def _is_deep(value: Any) -> bool:
    """Whether lists and objects lie deeper in one another than is read."""
    level = [value]
    for _ in range(_DEEPEST):
        level = [part for one in level for part in _parts(one)]
        if not level:
            return False
    return any(isinstance(one, (dict, list)) for one in level)


def _parts(value: Any) -> Iterable[Any]:
    """What a value is made of."""
    if isinstance(value, Mapping):
        return value.values()
    return value if isinstance(value, list) else ()
