"""What puts special tokens around texts, as tokenizer.json describes it: its post_processor."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from bertie.tokenize.classes import ROBERTA, Kind
from bertie.tokenize.definition import FrameItem, frames

# A token and its id.
Token: TypeAlias = tuple[str, int]
# Of one text, and of two.
Frames: TypeAlias = tuple[tuple[FrameItem, ...], tuple[FrameItem, ...]]


def processor(
    kind: Kind, begin: Token, end: Token, *, space: bool = False, trim: bool = True
) -> dict[str, Any]:
    """Describe the frame of a kind of class.

    Args:
        begin, end: the tokens before and after a text.
        space: the class's add_prefix_space.
        trim: whether offsets leave white space out, where the class reads bytes.
    """
    if kind.tokens == ROBERTA.tokens and kind.reads == ROBERTA.reads:
        return {
            "type": "RobertaProcessing",
            "sep": list(end),
            "cls": list(begin),
            "trim_offsets": trim,
            "add_prefix_space": space,
        }
    single, pair = _frame(kind, begin[1], end[1])
    return template(single, pair, dict((begin, end)))


def bare(tokens: Mapping[str, int], begin: str | None, end: str | None) -> dict[str, Any]:
    """Describe the frame of a class that has none of its own: those of two tokens that are asked
    for."""
    before: list[int | str] = [tokens[begin]] if begin is not None else []
    after = [tokens[end]] if end is not None else []
    single, second = (
        [FrameItem(item, type_id) for item in [*before, text, *after]]
        for type_id, text in enumerate("AB")
    )
    return template(
        single, [*single, *second], {name: tokens[name] for name in (begin, end) if name}
    )


def template(
    single: Sequence[FrameItem], pair: Sequence[FrameItem], tokens: Mapping[str, int]
) -> dict[str, Any]:
    """Describe a frame part by part.

    Args:
        tokens: the ids of those that are in it.
    """
    names = {id: token for token, id in tokens.items()}

    def described(parts: Sequence[FrameItem]) -> list[dict[str, Any]]:
        return [
            {"Sequence": {"id": one.item, "type_id": one.type_id}}
            if isinstance(one.item, str)
            else {"SpecialToken": {"id": names[one.item], "type_id": one.type_id}}
            for one in parts
        ]

    return {
        "type": "TemplateProcessing",
        "single": described(single),
        "pair": described(pair),
        "special_tokens": {
            token: {"id": token, "ids": [id], "tokens": [token]} for token, id in tokens.items()
        },
    }


def framed_by(node: Any, kind: Kind, begin: Token, end: Token) -> bool:
    """Tell whether a post_processor is the frame of a kind of class."""
    own = _frame(kind, begin[1], end[1])
    return any(_parts(one) == own for one in _each(node))


def without_types(node: Any) -> Any:
    """Give every part of a post_processor the type 0."""
    if node is None:
        first, second = FrameItem("A", 0), FrameItem("B", 0)
        return template([first], [first, second], {})
    if node["type"] == "Sequence":
        return {**node, "processors": [without_types(one) for one in node["processors"]]}
    if node["type"] == "BertProcessing":
        single, pair = _bert(node, second=0)
        return template(single, pair, dict([node["cls"], node["sep"]]))
    if node["type"] != "TemplateProcessing":
        return node
    plain = {
        key: [{name: {**part, "type_id": 0} for name, part in one.items()} for one in node[key]]
        for key in ("single", "pair")
    }
    return {**node, **plain}


def _frame(kind: Kind, begin: int, end: int) -> Frames:
    return frames(begin, end, doubled=kind.doubled, second=kind.second)


def _bert(node: Any, *, doubled: bool = False, second: int = 1) -> Frames:
    """Read a processor that is a frame of two tokens."""
    return frames(node["cls"][1], node["sep"][1], doubled=doubled, second=second)


def _each(node: Any) -> list[Any]:
    if not isinstance(node, dict):
        return []
    return node["processors"] if node["type"] == "Sequence" else [node]


def _parts(node: Any) -> Frames | None:
    """Read a frame; None: the processor has none."""
    if node["type"] == "BertProcessing":
        return _bert(node)
    if node["type"] == "RobertaProcessing":
        return _bert(node, doubled=True, second=0)
    if node["type"] != "TemplateProcessing":
        return None
    single, pair = (
        tuple(part for one in node[key] for part in _piece(one, node)) for key in ("single", "pair")
    )
    return single, pair


def _piece(one: Any, node: Any) -> list[FrameItem]:
    if "Sequence" in one:
        return [FrameItem(one["Sequence"]["id"], one["Sequence"]["type_id"])]
    token = one["SpecialToken"]
    return [FrameItem(id, token["type_id"]) for id in node["special_tokens"][token["id"]]["ids"]]
