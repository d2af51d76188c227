"""How a multi-vector encoder of sentence-transformers reads queries and documents."""

from collections.abc import Mapping
from dataclasses import dataclass
from reprlib import repr as shown
from typing import Any

from bertie.checkpoint.config import Setting
from bertie.checkpoint.files import require_positive
from bertie.errors import CheckpointError

# What fills a query up → whether that is also the most of its tokens.
STRATEGIES: Mapping[str, bool] = {"fixed": True, "min": False}

_NONE = Setting(None, "default")


@dataclass(frozen=True)
class Expansion:
    """What queries are filled up with.

    Attributes:
        length: the fewest tokens of a query, with what fills it up.
        cut: whether it is the most, too.
        attend: whether the other tokens attend to what fills up.
        token: what fills up; None is the mask token.
    """

    length: int
    cut: bool = True
    attend: bool = False
    token: str | None = None


@dataclass(frozen=True)
class Queries:
    """Lengths in tokens, and what becomes of queries.

    Attributes:
        query_length, document_length: the most tokens of a text, or None.
        expansion: an Expansion, or None.
    """

    query_length: Setting = _NONE
    document_length: Setting = _NONE
    expansion: Setting = _NONE


def read_queries(raw: Mapping[str, Any], name: str) -> Queries:
    """Read what the file beside the encoder says of queries and documents.

    Args:
        raw: the JSON object.
        name: what messages call it.
    Raises: CheckpointError: a value that can't be.
    """
    return Queries(
        _length(raw, "query_length", name),
        _length(raw, "document_length", name),
        _expansion(raw.get("query_expansion"), f"{name}: query_expansion"),
    )


def _length(raw: Mapping[str, Any], key: str, name: str) -> Setting:
    """Read a number of tokens."""
    value, where = raw.get(key), f"{name}: {key}"
    if value is None:
        return _NONE
    return Setting(require_positive(value, where, "a number of tokens"), where)


def _expansion(stated: Any, where: str) -> Setting:
    """Read what fills queries up."""
    if stated is None:
        return _NONE
    kinds: Mapping[str, tuple[type, ...]] = {
        "strategy": (str,),
        "length": (int,),
        "attend": (bool,),
        "token": (str, type(None)),
    }
    if not isinstance(stated, Mapping) or not {"strategy", "length"} <= set(stated) <= set(kinds):
        raise CheckpointError(
            f"{where} is {shown(stated)}, expected an object of {', '.join(kinds)}"
        )
    for key, value in stated.items():
        if type(value) not in kinds[key]:
            raise CheckpointError(f"{where}.{key} is {shown(value)}, expected a {kinds[key][0]}")
    if stated["strategy"] not in STRATEGIES or stated["length"] < 1:
        raise CheckpointError(
            f"{where} is {shown(stated)}, expected a strategy of {', '.join(STRATEGIES)} and a"
            " length of at least 1"
        )
    expansion = Expansion(
        stated["length"],
        STRATEGIES[stated["strategy"]],
        stated.get("attend", False),
        stated.get("token"),
    )
    return Setting(expansion, where)
