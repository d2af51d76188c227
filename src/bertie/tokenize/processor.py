"""What puts special tokens around texts, as tokenizer.json describes it: its post_processor."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from bertie.tokenize.classes import ROBERTA, Kind

# A token and its id.
Token: TypeAlias = tuple[str, int]
# A token's id or a text's letter, and the type of what it stands for.
Part: TypeAlias = tuple[int | str, int]


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
    before = [tokens[begin]] if begin is not None else []
    after = [tokens[end]] if end is not None else []
    single: list[Part] = [*((id, 0) for id in before), ("A", 0), *((id, 0) for id in after)]
    second: list[Part] = [*((id, 1) for id in before), ("B", 1), *((id, 1) for id in after)]
    return template(
        single, [*single, *second], {name: tokens[name] for name in (begin, end) if name}
    )


def template(
    single: Sequence[Part], pair: Sequence[Part], tokens: Mapping[str, int]
) -> dict[str, Any]:
    """Describe a frame part by part.

    Args:
        tokens: the ids of those that are in it.
    """
    names = {id: token for token, id in tokens.items()}

    def described(parts: Sequence[Part]) -> list[dict[str, Any]]:
        return [
            {"Sequence": {"id": item, "type_id": type_id}}
            if isinstance(item, str)
            else {"SpecialToken": {"id": names[item], "type_id": type_id}}
            for item, type_id in parts
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
        return template([("A", 0)], [("A", 0), ("B", 0)], {})
    if node["type"] == "Sequence":
        return {**node, "processors": [without_types(one) for one in node["processors"]]}
    if node["type"] == "BertProcessing":
        single, pair = _parts(node) or ([], [])
        tokens = dict([node["cls"], node["sep"]])
        return template(single, [(item, 0) for item, _ in pair], tokens)
    if node["type"] != "TemplateProcessing":
        return node
    plain = {
        key: [{name: {**part, "type_id": 0} for name, part in one.items()} for one in node[key]]
        for key in ("single", "pair")
    }
    return {**node, **plain}


def _frame(kind: Kind, begin: int, end: int) -> tuple[list[Part], list[Part]]:
    single: list[Part] = [(begin, 0), ("A", 0), (end, 0)]
    between: list[Part] = [(end, 0)] if kind.doubled else []
    return single, [*single, *between, ("B", kind.second), (end, kind.second)]


def _each(node: Any) -> list[Any]:
    if not isinstance(node, dict):
        return []
    return node["processors"] if node["type"] == "Sequence" else [node]


def _parts(node: Any) -> tuple[list[Part], list[Part]] | None:
    """Read a frame; None: the processor has none."""
    if node["type"] in ("BertProcessing", "RobertaProcessing"):
        begin, end = node["cls"][1], node["sep"][1]
        single: list[Part] = [(begin, 0), ("A", 0), (end, 0)]
        if node["type"] == "BertProcessing":
            return single, [*single, ("B", 1), (end, 1)]
        return single, [*single, (end, 0), ("B", 0), (end, 0)]
    if node["type"] != "TemplateProcessing":
        return None
    single, pair = (
        [part for one in node[key] for part in _piece(one, node)] for key in ("single", "pair")
    )
    return single, pair


def _piece(one: Any, node: Any) -> list[Part]:
    if "Sequence" in one:
        return [(one["Sequence"]["id"], one["Sequence"]["type_id"])]
    token = one["SpecialToken"]
    return [(id, token["type_id"]) for id in node["special_tokens"][token["id"]]["ids"]]
