"""The post_processor of tokenizer.json, which puts special tokens around texts."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from bertie.tokenize.classes import ROBERTA, TokenizerKind
from bertie.tokenize.definition import TemplatePiece, Templates, templates

# A token and its id.
Token: TypeAlias = tuple[str, int]


def post_processor(
    kind: TokenizerKind, begin: Token, end: Token, *, space: bool = False, trim: bool = True
) -> dict[str, Any]:
    """Describe the post_processor of a kind of class.

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
    single, pair = _templates(kind, begin[1], end[1])
    return template_processing(single, pair, dict((begin, end)))


def bos_eos_template(
    tokens: Mapping[str, int], begin: str | None, end: str | None
) -> dict[str, Any]:
    """Describe the template of a class that has none of its own: of those of two tokens that are
    asked for."""
    before: list[int | str] = [tokens[begin]] if begin is not None else []
    after = [tokens[end]] if end is not None else []
    single, second = (
        [TemplatePiece(item, type_id) for item in [*before, text, *after]]
        for type_id, text in enumerate("AB")
    )
    return template_processing(
        single, [*single, *second], {name: tokens[name] for name in (begin, end) if name}
    )


def template_processing(
    single: Sequence[TemplatePiece], pair: Sequence[TemplatePiece], tokens: Mapping[str, int]
) -> dict[str, Any]:
    """Describe templates piece by piece.

    Args:
        tokens: the ids of those that are in it.
    """
    names = {id: token for token, id in tokens.items()}

    def described(pieces: Sequence[TemplatePiece]) -> list[dict[str, Any]]:
        return [
            {"Sequence": {"id": one.item, "type_id": one.type_id}}
            if isinstance(one.item, str)
            else {"SpecialToken": {"id": names[one.item], "type_id": one.type_id}}
            for one in pieces
        ]

    return {
        "type": "TemplateProcessing",
        "single": described(single),
        "pair": described(pair),
        "special_tokens": {
            token: {"id": token, "ids": [id], "tokens": [token]} for token, id in tokens.items()
        },
    }


def has_templates_of(node: Any, kind: TokenizerKind, begin: Token, end: Token) -> bool:
    """Tell whether a post_processor has the templates of a kind of class."""
    own = _templates(kind, begin[1], end[1])
    return any(_read_templates(one) == own for one in _processors(node))


def without_types(node: Any) -> Any:
    """Give every part of a post_processor the type 0."""
    if node is None:
        first, second = TemplatePiece("A", 0), TemplatePiece("B", 0)
        return template_processing([first], [first, second], {})
    if node["type"] == "Sequence":
        return {**node, "processors": [without_types(one) for one in node["processors"]]}
    if node["type"] == "BertProcessing":
        single, pair = _bert_templates(node, second=0)
        return template_processing(single, pair, dict([node["cls"], node["sep"]]))
    if node["type"] != "TemplateProcessing":
        return node
    plain = {
        key: [{name: {**part, "type_id": 0} for name, part in one.items()} for one in node[key]]
        for key in ("single", "pair")
    }
    return {**node, **plain}


def _templates(kind: TokenizerKind, begin: int, end: int) -> Templates:
    return templates(begin, end, doubled=kind.doubled, second=kind.second)


def _bert_templates(node: Any, *, doubled: bool = False, second: int = 1) -> Templates:
    """Read a processor of two tokens."""
    return templates(node["cls"][1], node["sep"][1], doubled=doubled, second=second)


def _processors(node: Any) -> list[Any]:
    if not isinstance(node, dict):
        return []
    return node["processors"] if node["type"] == "Sequence" else [node]


def _read_templates(node: Any) -> Templates | None:
    """Read a processor's templates; None: it has none."""
    if node["type"] == "BertProcessing":
        return _bert_templates(node)
    if node["type"] == "RobertaProcessing":
        return _bert_templates(node, doubled=True, second=0)
    if node["type"] != "TemplateProcessing":
        return None
    single, pair = (
        tuple(part for one in node[key] for part in _read_piece(one, node))
        for key in ("single", "pair")
    )
    return single, pair


def _read_piece(one: Any, node: Any) -> list[TemplatePiece]:
    if "Sequence" in one:
        return [TemplatePiece(one["Sequence"]["id"], one["Sequence"]["type_id"])]
    token = one["SpecialToken"]
    return [
        TemplatePiece(id, token["type_id"]) for id in node["special_tokens"][token["id"]]["ids"]
    ]
