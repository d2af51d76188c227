"""Which layers stand on the last hidden states: forms of heads, as data.

The facts are those of transformers' classes, and of the authors' own code where that came first or
transformers has none.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bertie.checkpoint.fields import ACTIVATIONS

WORDS = "embeddings.word_embeddings.weight"

# A head's activation that is the feed-forward one's of its config.
HIDDEN_ACT = "hidden_act"


@dataclass(frozen=True)
class Stated:
    """What a config says of a head.

    Attributes:
        keys: what it may be called, of which the first that is there counts.
        values: the config's value → what it means here.
        default: what it means where the config has none, or null.
    """

    keys: tuple[str, ...]
    values: Mapping[Any, Any]
    default: Any


@dataclass(frozen=True)
class Step:
    """One step of a head.

    Attributes:
        name: its module; the tensors are name.weight and name.bias.
        activation: identity, gelu, relu, silu, tanh, or HIDDEN_ACT; or where the config says it.
        norm: whether it is a layer norm rather than a dense layer.
        bias: whether it has one, or where the config says so; None: if the file has it.
    """

    name: str
    activation: str | Stated = "identity"
    norm: bool = False
    bias: bool | Stated | None = True


@dataclass(frozen=True)
class HeadForm:
    """One way from the last hidden states to logits.

    Attributes:
        kind: what the logits are for.
        reads: "first", each sequence's first hidden state; "mean", the mean of its hidden states;
            "late", every token's, of whose logits the mean is the sequence's; or "tokens", every
            token's, each with logits of its own; or where the config says it.
        steps: in order; the last gives the logits.
        outputs: how many logits there must be: a number, or the field of the config that says it;
            None where the head itself decides.
        class_ending: how the names of transformers' classes that have it end.
        instead: what the config says where this form is meant and not another one of its kind
            whose tensors are there, too.
    """

    kind: str
    reads: str | Stated
    steps: tuple[Step, ...]
    outputs: int | str | None = None
    class_ending: str = ""
    instead: Stated | None = None


@dataclass(frozen=True)
class Tie:
    """A tensor that a file may leave out because it is another one.

    Attributes:
        name: the one left out.
        of: the one that it is.
        head: how the names begin that show that the file has the head at all.
        rival: how the names begin that show that it has another head, whose names begin so, too.
        class_ending: how a class in the config ends that shows it as well; "": none does.
        words: where it is the word embeddings: "allowed", unless the config's tie_word_embeddings
            forbids it; "stated", where that demands it; "always".
    """

    name: str
    of: str
    head: str
    rival: str = ""
    class_ending: str = ""
    words: str = "allowed"


def on_first(*steps: Step) -> HeadForm:
    """Classify a sequence by its first hidden state."""
    return on_sequence("first", *steps)


def on_sequence(reads: str | Stated, *steps: Step) -> HeadForm:
    """Classify a sequence."""
    return HeadForm(
        "sequence_classification", reads, steps, class_ending="ForSequenceClassification"
    )


def on_tokens(*steps: Step) -> HeadForm:
    """Classify every token."""
    return HeadForm("token_classification", "tokens", steps, class_ending="ForTokenClassification")


def answers(*steps: Step) -> HeadForm:
    """Say of every token how well an answer may start and end there."""
    return HeadForm("question_answering", "tokens", steps, 2, "ForQuestionAnswering")


def masked_lm(*steps: Step, instead: Stated | None = None) -> HeadForm:
    """Guess tokens."""
    return HeadForm("masked_lm", "tokens", steps, "vocab_size", "ForMaskedLM", instead)


POOLER = Step("pooler.dense", "tanh")
CLASSIFIER = Step("classifier")
POOLED = HeadForm("pooler", "first", (POOLER,), "hidden_size")
TOKENS = on_tokens(CLASSIFIER)
ANSWERS = answers(Step("qa_outputs"))
ON_POOLER = on_first(POOLER, CLASSIFIER)

_FLAG = {True: True, False: False}
_ACTIVATIONS: Mapping[str, str] = {**ACTIVATIONS, "tanh": "tanh"}


def _activation(key: str, default: str = "gelu") -> Stated:
    """Say which key names an activation."""
    return Stated((key,), _ACTIVATIONS, default)


def _bias(key: str, *, default: bool) -> Stated:
    """Say which key tells whether there is a bias."""
    return Stated((key,), _FLAG, default)


BERT_TIES = (
    Tie("cls.predictions.decoder.weight", WORDS, "cls.predictions."),
    Tie("cls.predictions.decoder.bias", "cls.predictions.bias", "cls.predictions."),
)
BERT_MASKED_LM = masked_lm(
    Step("cls.predictions.transform.dense", HIDDEN_ACT),
    Step("cls.predictions.transform.LayerNorm", norm=True),
    Step("cls.predictions.decoder"),
)

# ModernBERT's classes share the names of all their tensors but a decoder's.
_PREDICTION = (
    Step(
        "head.dense",
        _activation("classifier_activation"),
        bias=_bias("classifier_bias", default=False),
    ),
    Step("head.norm", norm=True, bias=_bias("norm_bias", default=False)),
)
MODERNBERT_HEADS = (
    on_sequence(
        Stated(("classifier_pooling",), {"cls": "first", "mean": "mean"}, "first"),
        *_PREDICTION,
        CLASSIFIER,
    ),
    on_tokens(*_PREDICTION, CLASSIFIER),
    answers(*_PREDICTION, CLASSIFIER),
    masked_lm(*_PREDICTION, Step("decoder", bias=_bias("decoder_bias", default=True))),
)
MODERNBERT_TIES = (Tie("decoder.weight", WORDS, "head.", rival="classifier."),)

DEBERTA_HEADS = (
    on_first(Step("pooler.dense", _activation("pooler_hidden_act")), CLASSIFIER),
    TOKENS,
    ANSWERS,
    BERT_MASKED_LM,
    # The head that DeBERTa was trained with. Its decoder is the word embeddings.
    masked_lm(
        Step("lm_predictions.lm_head.dense", HIDDEN_ACT),
        Step("lm_predictions.lm_head.LayerNorm", norm=True),
        Step("lm_predictions.lm_head.decoder"),
        instead=Stated(("legacy",), {True: False, False: True}, False),
    ),
)
DEBERTA_TIES = (
    *BERT_TIES,
    Tie("lm_predictions.lm_head.decoder.weight", WORDS, "lm_predictions.", words="always"),
    Tie("lm_predictions.lm_head.decoder.bias", "lm_predictions.lm_head.bias", "lm_predictions."),
)

NOMIC_BERT_HEADS = (
    ON_POOLER,
    TOKENS,
    # Its authors' files have biases where their feed-forward layers do, transformers' always.
    masked_lm(
        Step("cls.predictions.transform.dense", HIDDEN_ACT, bias=None),
        Step("cls.predictions.transform.layer_norm", norm=True),
        Step("cls.predictions.decoder", bias=None),
    ),
)
NOMIC_BERT_TIES = BERT_TIES


def _gte_heads(activation: str) -> tuple[HeadForm, ...]:
    """List GTE's heads; the norm of the one for masked words has its authors' name."""
    return (
        ON_POOLER,
        TOKENS,
        masked_lm(
            Step("lm_head.dense", activation),
            Step("lm_head.norm", norm=True),
            Step("lm_head.decoder"),
        ),
    )


GTE_HEADS = _gte_heads("gelu")
NEW_HEADS = (*_gte_heads(HIDDEN_ACT), ANSWERS)
GTE_TIES = (Tie("lm_head.decoder.weight", WORDS, "lm_head."),)

JINA_BERT_HEADS = (
    ON_POOLER,
    TOKENS,
    ANSWERS,
    # The layers' activation is another key's to say.
    masked_lm(
        Step("cls.predictions.transform.dense", _activation("hidden_act")),
        Step("cls.predictions.transform.LayerNorm", norm=True),
        Step("cls.predictions.decoder"),
    ),
    POOLED,
)
JINA_BERT_TIES = BERT_TIES

_EUROBERT_POOLING = Stated(
    ("classifier_pooling", "clf_pooling"),
    {"bos": "first", "mean": "mean", "late": "late"},
    "late",
)
EUROBERT_HEADS = (
    on_sequence(_EUROBERT_POOLING, Step("dense", "gelu"), CLASSIFIER),
    # What the authors' own code called it at first.
    on_sequence(_EUROBERT_POOLING, Step("dense", "gelu"), Step("out_proj")),
    TOKENS,
    masked_lm(Step("lm_head", bias=_bias("mlp_bias", default=False))),
)
EUROBERT_TIES = (
    Tie("lm_head.weight", WORDS, "lm_head.", class_ending="ForMaskedLM", words="stated"),
)

NEOBERT_HEADS = (
    on_first(Step("dense", "tanh"), CLASSIFIER),
    on_tokens(Step("dense", "tanh"), CLASSIFIER),
    ANSWERS,
    masked_lm(Step("decoder")),
)
NEOBERT_TIES: tuple[Tie, ...] = ()
