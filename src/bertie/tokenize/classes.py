"""The classes that transformers tokenizes with: which files each reads, and what it makes of them.

transformers 5 takes the class from tokenizer_config.json, else config.json, else the model's type.
A class of CLASSES builds its tokenizer anew from the vocabulary and tokenizer_config.json; any
other that isn't of PYTHON takes tokenizer.json as it is.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from bertie.tokenize.json_node import Node

# Those special tokens that every class knows, in the order in which transformers adds them.
SPECIAL = (
    "bos_token",
    "eos_token",
    "unk_token",
    "sep_token",
    "pad_token",
    "cls_token",
    "mask_token",
)

_BERT = {
    "unk_token": "[UNK]",
    "cls_token": "[CLS]",
    "sep_token": "[SEP]",
    "pad_token": "[PAD]",
    "mask_token": "[MASK]",
}
_ROBERTA = {
    "bos_token": "<s>",
    "eos_token": "</s>",
    "unk_token": "<unk>",
    "sep_token": "</s>",
    "pad_token": "<pad>",
    "cls_token": "<s>",
    "mask_token": "<mask>",
}
# A piece of CamemBERT's that stands in for the file's own <unk>, with a score that no text meets.
NEVER_FOUND = "<unk>NOTUSED"
_NO_WORDS: frozenset[str] = frozenset()


@dataclass(frozen=True)
class PieceKind:
    """What the classes of one kind make of a SentencePiece model's file.

    Attributes:
        first: pieces before the file's own, as keys of special tokens or by name.
        dropped: so many of the file's own, the first ones, that those stand for.
        last: the special tokens after them.
        unknown: the id of the one for unknown characters; None: that of unk_token, else the file's.
        normalizers: steps of a text's normalizing, in their order; those that a key of
            tokenizer_config.json turns off or on are named by what they do.
        splits_spaces: white space parts words, and no piece reaches across it.
        lower: whether texts are lower-cased where no file says it.
    """

    first: tuple[str, ...] = ()
    dropped: int = 0
    last: tuple[str, ...] = ()
    unknown: int | None = None
    normalizers: tuple[str, ...] = ("charsmap",)
    splits_spaces: bool = True
    lower: bool = False


@dataclass(frozen=True)
class TokenizerKind:
    """How the classes of one kind build a tokenizer.

    Attributes:
        reads: the files of their vocabulary, beside which nothing else is needed.
        tokens: their special tokens where no file names others.
        ends: the tokens before and after a text; None: there are none.
        doubled: the token after a text stands twice between two.
        second: the type of a second text.
        lstrip: the token of these names takes the space before it along.
        keys: what they read in tokenizer_config.json beside special tokens.
        pieces: what they make of a SentencePiece model's file; None: they read none.
    """

    reads: tuple[str, ...]
    tokens: Mapping[str, str]
    ends: tuple[str, str] | None = ("cls_token", "sep_token")
    doubled: bool = False
    second: int = 1
    lstrip: frozenset[str] = _NO_WORDS
    keys: tuple[str, ...] = ()
    pieces: PieceKind | None = None


_WORDS = ("do_lower_case", "strip_accents", "tokenize_chinese_chars")
_SPACE = ("add_prefix_space",)
_BYTES = ("vocab.json", "merges.txt")
_MASK = frozenset({"mask_token"})

BERT = TokenizerKind(("vocab.txt",), _BERT, keys=_WORDS)
MPNET = TokenizerKind(
    ("vocab.txt",),
    {**_ROBERTA, "unk_token": "[UNK]"},
    doubled=True,
    second=0,
    lstrip=_MASK,
    keys=_WORDS,
)
ROBERTA = TokenizerKind(_BYTES, _ROBERTA, doubled=True, second=0, keys=(*_SPACE, "trim_offsets"))
_GPT2_TOKENS = dict.fromkeys(("bos_token", "eos_token", "unk_token"), "<|endoftext|>")
GPT2 = TokenizerKind(_BYTES, _GPT2_TOKENS, ends=None, second=0, keys=_SPACE)
DEBERTA = TokenizerKind(
    _BYTES,
    {"bos_token": "[CLS]", "eos_token": "[SEP]", **_BERT},
    doubled=True,
    second=0,
    keys=_SPACE,
)
XLM_ROBERTA = TokenizerKind(
    ("sentencepiece.bpe.model",),
    _ROBERTA,
    ends=("bos_token", "eos_token"),
    doubled=True,
    second=0,
    keys=_SPACE,
    # fairseq's ids, in which its own four tokens stand before the file's.
    pieces=PieceKind(
        ("bos_token", "pad_token", "eos_token", "unk_token"), 3, ("mask_token",), unknown=3
    ),
)
CAMEMBERT = replace(
    XLM_ROBERTA,
    lstrip=_MASK,
    pieces=PieceKind(
        ("<s>NOTUSED", "pad_token", "</s>NOTUSED", "unk_token", NEVER_FOUND), 1, ("mask_token",)
    ),
)
ALBERT = TokenizerKind(
    ("spiece.model",),
    {
        "bos_token": "[CLS]",
        "eos_token": "[SEP]",
        **_BERT,
        "unk_token": "<unk>",
        "pad_token": "<pad>",
    },
    keys=(*_SPACE, "do_lower_case", "keep_accents"),
    pieces=PieceKind(unknown=1, normalizers=("quotes", "accents", "lower", "charsmap"), lower=True),
)
DEBERTA_V2 = TokenizerKind(
    ("spm.model",),
    {"bos_token": "[CLS]", "eos_token": "[SEP]", **_BERT},
    keys=(*_SPACE, "do_lower_case", "split_by_punct"),
    pieces=PieceKind(normalizers=("lower", "spaces"), splits_spaces=False),
)

# By the class's name, without "Fast".
CLASSES: Mapping[str, TokenizerKind] = {
    **dict.fromkeys(
        (
            "BertTokenizer",
            "ConvBertTokenizer",
            "DPRContextEncoderTokenizer",
            "DPRQuestionEncoderTokenizer",
            "DPRReaderTokenizer",
            "DistilBertTokenizer",
            "ElectraTokenizer",
            "LayoutLMTokenizer",
            "LxmertTokenizer",
            "MobileBertTokenizer",
            "RetriBertTokenizer",
            "SqueezeBertTokenizer",
        ),
        BERT,
    ),
    "MPNetTokenizer": MPNET,
    **dict.fromkeys(
        (
            "BartTokenizer",
            "LEDTokenizer",
            "LongformerTokenizer",
            "MvpTokenizer",
            "RobertaTokenizer",
        ),
        ROBERTA,
    ),
    "GPT2Tokenizer": GPT2,
    "DebertaTokenizer": DEBERTA,
    "XLMRobertaTokenizer": XLM_ROBERTA,
    "CamembertTokenizer": CAMEMBERT,
    "AlbertTokenizer": ALBERT,
    "DebertaV2Tokenizer": DEBERTA_V2,
}

# Classes that are Python's work in part (a segmenter of Japanese or Chinese, another algorithm), so
# that transformers reads no tokenizer.json for them, or not all of it.
PYTHON = frozenset(
    {
        "BartphoTokenizer",
        "BertGenerationTokenizer",
        "BertJapaneseTokenizer",
        "BertTokenizerLegacy",
        "BertweetTokenizer",
        "BioGptTokenizer",
        "BlenderbotSmallTokenizer",
        "ByT5Tokenizer",
        "CTRLTokenizer",
        "CanineTokenizer",
        "ClvpTokenizer",
        "CpmAntTokenizer",
        "CpmTokenizer",
        "DiaTokenizer",
        "EsmTokenizer",
        "FSMTTokenizer",
        "FlaubertTokenizer",
        "GPTNeoXJapaneseTokenizer",
        "GPTSw3Tokenizer",
        "M2M100Tokenizer",
        "MarianTokenizer",
        "MgpstrTokenizer",
        "MyT5Tokenizer",
        "PLBartTokenizer",
        "PerceiverTokenizer",
        "PhobertTokenizer",
        "ProphetNetTokenizer",
        "RoCBertTokenizer",
        "RoFormerTokenizer",
        "SiglipTokenizer",
        "Speech2TextTokenizer",
        "SpeechT5Tokenizer",
        "TapasTokenizer",
        "VitsTokenizer",
        "Wav2Vec2CTCTokenizer",
        "Wav2Vec2PhonemeCTCTokenizer",
        "XLMTokenizer",
    }
)

# What takes tokenizer.json as it is.
_AS_IT_IS = "TokenizersBackend"

# What transformers tokenizes with for a model's type, where no file names a class.
_OF_MODELS: Mapping[str, str] = {
    **dict.fromkeys(
        (
            "bert",
            "convbert",
            "distilbert",
            "electra",
            "ernie",
            "layoutlm",
            "megatron-bert",
            "nezha",
            "nomic_bert",
            "qdqbert",
            "realm",
            "retribert",
            "squeezebert",
            "visual_bert",
        ),
        "BertTokenizer",
    ),
    **dict.fromkeys(
        (
            "bart",
            "data2vec-text",
            "ibert",
            "lilt",
            "longformer",
            "mega",
            "mra",
            "roberta",
            "roberta-prelayernorm",
        ),
        "RobertaTokenizer",
    ),
    **dict.fromkeys(("gpt2", "gpt_neo", "gptj", "opt", "phi", "codegen"), "GPT2Tokenizer"),
    **dict.fromkeys(
        ("gte", "jina_embeddings_v3", "metaclip_2", "xlm-roberta", "xmod"), "XLMRobertaTokenizer"
    ),
    "albert": "AlbertTokenizer",
    "bert-generation": "BertGenerationTokenizer",
    "bert-japanese": "BertJapaneseTokenizer",
    "bertweet": "BertweetTokenizer",
    "byt5": "ByT5Tokenizer",
    "camembert": "CamembertTokenizer",
    "canine": "CanineTokenizer",
    "clip": "CLIPTokenizer",
    "deberta": "DebertaTokenizer",
    "deberta-v2": "DebertaV2Tokenizer",
    "dpr": "DPRQuestionEncoderTokenizer",
    "esm": "EsmTokenizer",
    "flaubert": "FlaubertTokenizer",
    "funnel": "FunnelTokenizer",
    "herbert": "HerbertTokenizer",
    "led": "LEDTokenizer",
    "luke": "LukeTokenizer",
    "lxmert": "LxmertTokenizer",
    "mluke": "MLukeTokenizer",
    "mobilebert": "MobileBertTokenizer",
    "mpnet": "MPNetTokenizer",
    "mvp": "MvpTokenizer",
    "perceiver": "PerceiverTokenizer",
    "phobert": "PhobertTokenizer",
    "prophetnet": "ProphetNetTokenizer",
    "roc_bert": "RoCBertTokenizer",
    "roformer": "RoFormerTokenizer",
    "splinter": "SplinterTokenizer",
    "tapas": "TapasTokenizer",
    "xlm": "XLMTokenizer",
    "yoso": "AlbertTokenizer",
    # Whatever class their files name.
    **dict.fromkeys(
        (
            "camembertv2-base",
            "modernbert",
            "modernbert-decoder",
            "nystromformer",
            "umt5",
            "xlm-roberta-xl",
        ),
        _AS_IT_IS,
    ),
}


@dataclass(frozen=True)
class TokenizerClass:
    """The class that a directory's files name.

    Attributes:
        name: without "Fast"; "" where they name none.
        where: the file and key that name it, for messages.
        stated: a file names the class itself, not only the model's type.
    """

    name: str = ""
    where: str = ""
    stated: bool = False

    @property
    def kind(self) -> TokenizerKind | None:
        """How it builds a tokenizer; None: by tokenizer.json alone."""
        return CLASSES.get(self.name)

    def __str__(self) -> str:
        return f"{self.where} is {self.name}" if self.stated else f"{self.where}, so {self.name}"


def find_class(config: Node, model: Node) -> TokenizerClass:
    """Find the class as AutoTokenizer does.

    Args:
        config: tokenizer_config.json.
        model: config.json.
    """
    kind = model["model_type"].value
    own = _OF_MODELS.get(kind, "") if isinstance(kind, str) else ""
    if own != _AS_IT_IS:
        for file, name in ((config, "tokenizer_config.json"), (model, "config.json")):
            if stated := file["tokenizer_class"].text("").removesuffix("Fast"):
                return TokenizerClass(stated, f"{name}: tokenizer_class", stated=True)
    return TokenizerClass(own, f"config.json: model_type is {kind}") if own else TokenizerClass()
