"""What Hugging Face's InferenceClient sends, a body for each task, and what it is answered."""

from typing import Annotated, Literal, TypeAlias

from msgspec import UNSET, Meta, UnsetType

from bertie.server.http.apis.inputs import Texts
from bertie.server.http.apis.tei_bodies import Dimensions, Direction, EmbedBody, Prediction
from bertie.server.http.serialization import RequestBody, ResponseBody

Count: TypeAlias = Annotated[int, Meta(ge=0)]
AtLeastOne: TypeAlias = Annotated[int, Meta(ge=1)]
_OVERLAP = "Long texts are read in windows anyway, which overlap as the model's settings have it."


class EmbedParameters(RequestBody, frozen=True, kw_only=True):
    """How to embed, where a client puts it apart."""

    normalize: bool | None = None
    prompt_name: str | None = None
    dimensions: Dimensions | None = None
    truncate: bool | None = None
    truncation_direction: Direction | None = None


class FeatureBody(EmbedBody, frozen=True, kw_only=True):
    """What to embed."""

    parameters: EmbedParameters | None = None


class TextPair(RequestBody, frozen=True, kw_only=True):
    """A text, or two that go together."""

    text: str
    text_pair: str | None = None


class ClassifyParameters(RequestBody, frozen=True, kw_only=True):
    """How to classify."""

    function_to_apply: Literal["sigmoid", "softmax", "none"] | None = None
    top_k: Count | None = None


class ClassifyBody(RequestBody, frozen=True, kw_only=True):
    """Texts and pairs of texts to classify; a list of one text or two is an input as well."""

    inputs: (
        str
        | TextPair
        | Annotated[
            list[str | TextPair | Annotated[list[str], Meta(min_length=1, max_length=2)]],
            Meta(extra_json_schema={"minItems": 1}),
        ]
    )
    parameters: ClassifyParameters | None = None


class ZeroShotParameters(RequestBody, frozen=True, kw_only=True):
    """Labels to choose from; in one text, commas stand between them."""

    candidate_labels: str | Texts
    hypothesis_template: str | None = None
    multi_label: bool | None = None


class ZeroShotBody(RequestBody, frozen=True, kw_only=True):
    """Texts to classify by labels of the caller's."""

    inputs: str | Texts
    parameters: ZeroShotParameters


class TagParameters(RequestBody, frozen=True, kw_only=True):
    """How to find entities."""

    aggregation_strategy: Literal["none", "simple", "first", "average", "max"] | None = None
    ignore_labels: list[str] | None = None
    stride: Annotated[Count, Meta(description=_OVERLAP)] | None = None


class TagBody(RequestBody, frozen=True, kw_only=True):
    """Texts in which to find entities."""

    inputs: str | Texts
    parameters: TagParameters | None = None


class Question(RequestBody, frozen=True, kw_only=True):
    """A question and the text to answer it from."""

    question: str
    context: str


class AnswerParameters(RequestBody, frozen=True, kw_only=True):
    """How to answer."""

    top_k: AtLeastOne | None = None
    max_answer_len: AtLeastOne | None = None
    max_question_len: AtLeastOne | None = None
    handle_impossible_answer: bool | None = None
    align_to_words: bool | None = None
    max_seq_len: Annotated[AtLeastOne, Meta(description=_OVERLAP)] | None = None
    doc_stride: Annotated[Count, Meta(description=_OVERLAP)] | None = None


class AnswerBody(RequestBody, frozen=True, kw_only=True):
    """Questions to answer."""

    inputs: Question | Annotated[list[Question], Meta(extra_json_schema={"minItems": 1})]
    parameters: AnswerParameters | None = None


class FillParameters(RequestBody, frozen=True, kw_only=True):
    """How to fill masks."""

    targets: list[str] | None = None
    top_k: Count | None = None


class FillBody(RequestBody, frozen=True, kw_only=True):
    """Texts with masks to fill."""

    inputs: str | Texts
    parameters: FillParameters | None = None


class Entity(ResponseBody, frozen=True, kw_only=True):
    """An entity and its place in characters: of a group of tokens, or of one that stands alone."""

    score: float
    word: str
    start: int
    end: int
    entity_group: str | UnsetType = UNSET
    entity: str | UnsetType = UNSET


class Found(ResponseBody, frozen=True, kw_only=True):
    """An answer and its place in the context."""

    answer: str
    score: float
    start: int
    end: int


class Filled(ResponseBody, frozen=True, kw_only=True):
    """A token that may stand for a mask, and the text with it."""

    sequence: str
    score: float
    token: int
    token_str: str


Classified: TypeAlias = list[list[Prediction]]
Chosen: TypeAlias = list[Prediction] | list[list[Prediction]]
Tagged: TypeAlias = list[Entity] | list[list[Entity]]
Read: TypeAlias = Found | list[Found] | list[list[Found]]
Fillings: TypeAlias = list[Filled] | list[list[Filled]] | list[list[list[Filled]]]
