"""What our own APIs take: the library's options by its names, null for its defaults."""

from typing import Annotated, Literal, TypeAlias

from msgspec import Meta

from bertie.server.http.serialization import StrictRequestBody

Count: TypeAlias = Annotated[int, Meta(ge=0)]
AtLeastOne: TypeAlias = Annotated[int, Meta(ge=1)]
Cut: TypeAlias = Literal["right", "left", "error"]
CutOrRead: TypeAlias = Literal["right", "left", "error", "window"]
# A text, or with split_words its words.
Text: TypeAlias = str | list[str]
_PAIR = Meta(min_length=2, max_length=2)
Pair: TypeAlias = Annotated[list[Text], _PAIR]
# One or the other; msgspec can't tell lists apart by what they hold, the library does.
TextOrPair: TypeAlias = Annotated[
    str | list[str | list[str]],
    Meta(
        extra_json_schema={
            "anyOf": [
                {"type": "string"},
                {"type": "array", "items": {"type": "string"}},
                {
                    "type": "array",
                    "items": {"type": "array", "items": {"type": "string"}},
                    "minItems": 2,
                    "maxItems": 2,
                },
            ]
        }
    ),
]


class OwnBody(StrictRequestBody, frozen=True, kw_only=True):
    """What every body may say."""

    model: Annotated[str, Meta(description="A model that is served.")] | None = None


class EmbedBody(OwnBody, frozen=True, kw_only=True):
    """Texts to embed."""

    inputs: str | list[Text]
    prompt_name: str | None = None
    prompt: str | None = None
    kind: Literal["query", "document"] | None = None
    truncate: CutOrRead | None = None
    normalize: bool | None = None
    output: Literal["float32", "float16", "int8", "uint8", "binary", "ubinary"] | None = None
    ranges: list[list[float]] | None = None
    split_words: bool | None = None
    encoding_format: Annotated[
        Literal["float", "base64"],
        Meta(description="Numbers, or little-endian float32 in base64, whatever the output."),
    ] = "float"


class EmbedTokensBody(OwnBody, frozen=True, kw_only=True):
    """Texts whose tokens to embed."""

    inputs: str | list[Text]
    truncate: Cut | None = None
    split_words: bool | None = None


class EmbedSparseBody(OwnBody, frozen=True, kw_only=True):
    """Texts to embed over the vocabulary."""

    inputs: str | list[Text]
    top_k: Count | None = None
    truncate: CutOrRead | None = None
    split_words: bool | None = None


class EmbedMultiBody(OwnBody, frozen=True, kw_only=True):
    """Texts to embed with a vector for each token."""

    inputs: str | list[str]
    kind: Literal["query", "document"] | None = None
    truncate: Cut | None = None


class ClassifyBody(OwnBody, frozen=True, kw_only=True):
    """Texts, or pairs of texts, to classify."""

    inputs: str | list[TextOrPair]
    top_k: Count | None = None
    raw: bool | None = None
    truncate: CutOrRead | None = None
    split_words: bool | None = None


class ZeroShotBody(OwnBody, frozen=True, kw_only=True):
    """Texts, and labels to choose from."""

    inputs: str | list[str]
    labels: list[str]
    hypothesis: str | None = None
    multi_label: bool | None = None
    entailment: str | None = None
    top_k: Count | None = None
    truncate: CutOrRead | None = None


class TagBody(OwnBody, frozen=True, kw_only=True):
    """Texts in which to find entities."""

    inputs: str | list[Text]
    aggregation: Literal["none", "simple", "first", "average", "max"] | None = None
    ignore: list[str] | None = None
    truncate: CutOrRead | None = None
    split_words: bool | None = None


class AnswerBody(OwnBody, frozen=True, kw_only=True):
    """Questions, each with the text to answer it from."""

    inputs: Annotated[
        list[Pair], Meta(description="Pairs of a question and the text to answer it from.")
    ]
    top_k: AtLeastOne | None = None
    max_answer_length: AtLeastOne | None = None
    no_answer: bool | None = None
    threshold: float | None = None
    whole_words: bool | None = None
    truncate: CutOrRead | None = None


class FillBody(OwnBody, frozen=True, kw_only=True):
    """Texts with masks to fill."""

    inputs: str | list[str]
    top_k: Count | None = None
    targets: list[str] | None = None
    truncate: Cut | None = None


class NextSentenceBody(OwnBody, frozen=True, kw_only=True):
    """Pairs of texts."""

    inputs: list[Pair]
    truncate: CutOrRead | None = None
    split_words: bool | None = None


class RankBody(OwnBody, frozen=True, kw_only=True):
    """A query and the documents to rank for it."""

    query: Text
    documents: list[Text]
    top_k: Count | None = None
    label: str | None = None
    raw: bool | None = None
    truncate: CutOrRead | None = None
    split_words: bool | None = None


class ScoreBody(OwnBody, frozen=True, kw_only=True):
    """Pairs of a query and a document to score."""

    inputs: list[Pair]
    label: str | None = None
    raw: bool | None = None
    truncate: CutOrRead | None = None
    split_words: bool | None = None


class TokenizeBody(OwnBody, frozen=True, kw_only=True):
    """Texts to tokenize, or pairs of texts."""

    inputs: str | list[TextOrPair]
    split_words: bool = False
    add_special_tokens: bool = True
    max_length: AtLeastOne | None = None
    truncate: Cut = "right"
