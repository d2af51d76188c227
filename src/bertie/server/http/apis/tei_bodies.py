"""What Text Embeddings Inference takes and gives; the same for HTTP and gRPC."""

from typing import Annotated, TypeAlias

from msgspec import UNSET, Meta, UnsetType

from bertie.server.http.apis.inputs import Texts, TextsOrIds, TokenId
from bertie.server.http.serialization import Matrix, RequestBody, ResponseBody, Vector

# The end of a text that is cut off, in any case.
Direction: TypeAlias = Annotated[str, Meta(pattern="^([Ll][Ee][Ff][Tt]|[Rr][Ii][Gg][Hh][Tt])$")]
Dimensions: TypeAlias = Annotated[int, Meta(ge=1)]


class Truncated(RequestBody, frozen=True, kw_only=True):
    """What becomes of inputs that are too long."""

    truncate: bool | None = None
    truncation_direction: Direction = "right"


class EmbedBody(Truncated, frozen=True, kw_only=True):
    """What to embed."""

    inputs: TextsOrIds
    normalize: bool = True
    prompt_name: str | None = None
    dimensions: Dimensions | None = None


class TokensBody(Truncated, frozen=True, kw_only=True):
    """What to embed token by token, or sparsely."""

    inputs: TextsOrIds
    prompt_name: str | None = None


class PredictBody(Truncated, frozen=True, kw_only=True):
    """What to classify: a text, a pair, or a list of lists of either."""

    inputs: Annotated[
        str | list[str | list[str]],
        Meta(
            extra_json_schema={
                "anyOf": [
                    {"type": "string"},
                    {
                        "type": "array",
                        "items": {"type": "string"},
                        "minItems": 1,
                        "maxItems": 2,
                    },
                    {
                        "type": "array",
                        "items": {
                            "type": "array",
                            "items": {"type": "string"},
                            "minItems": 1,
                            "maxItems": 2,
                        },
                        "minItems": 1,
                    },
                ]
            }
        ),
    ]
    raw_scores: bool = False


class Sentences(RequestBody, frozen=True, kw_only=True):
    """A sentence and those to compare it with."""

    source_sentence: str
    sentences: Texts


class Parameters(Truncated, frozen=True, kw_only=True):
    """How to embed what is compared."""

    prompt_name: str | None = None


class SimilarityBody(RequestBody, frozen=True, kw_only=True):
    """What to compare."""

    inputs: Sentences
    parameters: Parameters | None = None


class TokenizeBody(RequestBody, frozen=True, kw_only=True):
    """What to tokenize."""

    inputs: str | list[str]
    add_special_tokens: bool = True
    prompt_name: str | None = None


class DecodeBody(RequestBody, frozen=True, kw_only=True):
    """Token ids of a text, or of several."""

    ids: Annotated[
        list[TokenId | list[TokenId]],
        Meta(
            extra_json_schema={
                "anyOf": [
                    {"type": "array", "items": {"type": "integer", "minimum": 0}},
                    {"type": "array", "items": {"type": "array", "items": {"type": "integer"}}},
                ]
            }
        ),
    ]
    skip_special_tokens: bool = True


class SparseValue(ResponseBody, frozen=True, kw_only=True):
    """A token of the vocabulary and its weight."""

    index: int
    value: float


class Prediction(ResponseBody, frozen=True, kw_only=True):
    """A label and how well it fits."""

    score: float
    label: str


class Rank(ResponseBody, frozen=True, kw_only=True):
    """A text's place among those given."""

    index: int
    score: float
    text: str | UnsetType = UNSET


class SimpleToken(ResponseBody, frozen=True, kw_only=True):
    """A token and its place: bytes of the prompt and the input, in UTF-8."""

    id: int
    text: str
    special: bool
    start: int | None
    stop: int | None


Vectors: TypeAlias = list[Vector]
Matrices: TypeAlias = list[Matrix]
Predictions: TypeAlias = list[Prediction] | list[list[Prediction]]
