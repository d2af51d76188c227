"""What transformers reads of a tokenizer's files."""

from collections.abc import Iterator

from bertie.known.record import IDLE, NOTED, READ, REFUSED, Known

_CONFIG = "tokenizer_config.json"
_MAP = "special_tokens_map.json"
_JSON = "tokenizer.json"

_WORDS = "vocab.txt"
_PAIR = "vocab.json"

_SPECIAL = {
    "bos_token": "is the token before a text, in RoBERTa's kin",
    "eos_token": "is the token after a text, in RoBERTa's kin",
    "unk_token": "stands for what the vocabulary can't spell",
    "sep_token": "is the token after a text",
    "pad_token": "is the token that fills batches up; found in a text, it is one token",
    "cls_token": "is the token before a text",
    "mask_token": "is the token to be filled in",
}
_SEGMENTER = (
    "do_subword_tokenize",
    "do_word_tokenize",
    "jumanpp_kwargs",
    "mecab_kwargs",
    "subword_tokenizer_type",
    "sudachi_kwargs",
    "word_tokenizer_type",
)
_SEGMENTS = "makes words as BertJapaneseTokenizer does"
_USE_THAT_PROGRAM = "split texts with that program, and give the token ids"


def _read(file: str, effect: str, *keys: str, where: tuple[str, ...] = ()) -> Iterator[Known]:
    for key in keys:
        yield Known(file, key, READ, effect, where=where)


def _idle(effect: str, *keys: str) -> Iterator[Known]:
    for key in keys:
        yield Known(_CONFIG, key, IDLE, effect)


TOKENIZER_CONFIG: tuple[Known, ...] = (
    Known(_CONFIG, "tokenizer_class", READ, "names the class, and with it which files are read"),
    *(Known(_CONFIG, key, READ, effect) for key, effect in _SPECIAL.items()),
    Known(_CONFIG, "*_token", READ, "is a special token of the model's own"),
    *_read(
        _CONFIG,
        "lists special tokens that aren't cut into pieces",
        "additional_special_tokens",
        "extra_special_tokens",
    ),
    Known(
        _CONFIG,
        "added_tokens_decoder",
        READ,
        "lists every added token with its flags, in place of special_tokens_map.json,"
        " added_tokens.json and tokenizer.json's",
    ),
    Known(
        _CONFIG,
        "model_specific_special_tokens",
        READ,
        "has special tokens of the model's own, each with its key",
    ),
    Known(_CONFIG, "do_lower_case", READ, "says whether texts are lower-cased"),
    *_read(_CONFIG, "says how words are normalized", "strip_accents", "tokenize_chinese_chars"),
    *_read(
        _CONFIG,
        "says how ALBERT's and DeBERTa's texts are normalized and split",
        "keep_accents",
        "split_by_punct",
    ),
    Known(_CONFIG, "add_prefix_space", READ, "has the first word begin like every other"),
    Known(_CONFIG, "trim_offsets", READ, "leaves white space out of offsets"),
    *_read(_CONFIG, "is the most tokens of a text", "model_max_length", "max_len"),
    Known(
        _CONFIG,
        "model_input_names",
        READ,
        "leaves the types of two texts alike where it lacks token_type_ids",
    ),
    *_read(
        _CONFIG,
        "frames a text, in GPT-2's kin without a tokenizer.json",
        "add_bos_token",
        "add_eos_token",
    ),
    Known(
        _CONFIG,
        "split_special_tokens",
        REFUSED,
        "has special tokens in a text cut into pieces",
        (False,),
        "set it to false",
    ),
    Known(
        _CONFIG,
        "fast_tokenizer_files",
        REFUSED,
        "names files for versions of transformers to read in place of tokenizer.json",
        (["tokenizer.json"], []),
        "copy the one that is meant over tokenizer.json, and delete the key",
    ),
    Known(
        _CONFIG,
        "init_inputs",
        REFUSED,
        "is given to the class before its settings",
        ([],),
        "save the tokenizer with a later transformers",
    ),
    *(
        Known(_CONFIG, key, REFUSED, effect, (), "put it into the vocabulary's own file")
        for key, effect in (
            ("vocab", "is a vocabulary in place of the file's"),
            ("merges", "joins pieces otherwise than the file says"),
            ("gguf_file", "names another file to read it all from"),
        )
    ),
    Known(
        _CONFIG,
        "normalization",
        REFUSED,
        "rewrites tweets as BertweetTokenizer does",
        (False,),
        _USE_THAT_PROGRAM,
    ),
    Known(
        _CONFIG,
        "fix_mistral_regex",
        REFUSED,
        "splits words otherwise than tokenizer.json says",
        (False,),
        "save the tokenizer with transformers, which writes what it does",
    ),
    *(
        Known(_CONFIG, key, REFUSED, _SEGMENTS, ("basic", "wordpiece", True), _USE_THAT_PROGRAM)
        for key in _SEGMENTER
    ),
    *(
        Known(_CONFIG, key, REFUSED, "frames texts by their language", (), "tokenize them yourself")
        for key in ("src_lang", "tgt_lang")
    ),
    Known(
        _CONFIG,
        "truncation_side",
        NOTED,
        "is where transformers cuts a text that is too long; here truncate= says it",
        ("right",),
    ),
    Known(
        _CONFIG,
        "auto_map",
        NOTED,
        "names code that comes with the tokenizer; none is run, as transformers runs none unless"
        " it is told to trust it",
        ({}, {"AutoTokenizer": None}),
    ),
    *(
        Known(
            _CONFIG, key, NOTED, f"{effect} in older versions, and nothing in transformers 5", own
        )
        for key, effect, own in (
            ("clean_text", "kept control characters", (True,)),
            ("do_basic_tokenize", "left texts to be split at white space alone", (True,)),
            ("never_split", "kept words whole", ([],)),
            ("sp_model_kwargs", "changed what SentencePiece does", ({},)),
        )
    ),
    *_idle(
        "is for decoding",
        "clean_up_tokenization_spaces",
        "clean_up_tokenization_spaces_for_bpe_even_though_it_will_corrupt_output",
        "errors",
        "spaces_between_special_tokens",
    ),
    *_idle(
        "is for padding, and nothing here is padded",
        "pad_to_multiple_of",
        "pad_token_type_id",
        "padding",
        "padding_side",
    ),
    *_idle(
        "is a caller's option of one call, and no call's here",
        "max_length",
        "return_token_type_ids",
        "stride",
        "truncation",
        "truncation_strategy",
    ),
    *_idle(
        "says how the file was made",
        "backend",
        "files_loaded",
        "from_slow",
        "is_local",
        "legacy",
        "local_files_only",
        "merges_file",
        "name_or_path",
        "slow_tokenizer_class",
        "special_tokens_map_file",
        "tokenizer_file",
        "tokenizer_type",
        "unk_id",
        "use_fast",
        "verbose",
        "vocab_file",
        "vocab_type",
        "word_pronunciation_file",
        "word_shape_file",
    ),
    *_idle(
        "is for conversations, images or sounds",
        "chat_control_tokens",
        "chat_template",
        "processor_class",
        "response_schema",
        "response_template",
        "use_default_system_prompt",
    ),
)

_MODEL: tuple[Known, ...] = (
    Known(
        "config.json",
        "tokenizer_class",
        READ,
        "names the tokenizer's class, where tokenizer_config.json doesn't",
    ),
)

TOKENS_MAP: tuple[Known, ...] = (
    *(Known(_MAP, key, READ, effect) for key, effect in _SPECIAL.items()),
    Known(_MAP, "*_token", READ, "is a special token of the model's own"),
    *_read(
        _MAP,
        "lists special tokens that aren't cut into pieces",
        "additional_special_tokens",
        "extra_special_tokens",
    ),
)

ADDED_TOKENS: tuple[Known, ...] = (
    Known("added_tokens.json", "*", READ, "is a token that isn't cut into pieces, and its id"),
)

TOKENIZER_JSON: tuple[Known, ...] = (
    *_read(
        _JSON,
        "says how a text becomes tokens",
        "added_tokens",
        "normalizer",
        "pre_tokenizer",
        "model",
        "post_processor",
    ),
    Known(_JSON, "decoder", READ, "says how tokens become a text"),
    Known(
        _JSON,
        "model.dropout",
        REFUSED,
        "splits words by chance",
        (0, 0.0),
        "set it to null, as it is for everything but training",
    ),
    Known(_JSON, "truncation", IDLE, "is a caller's option of one call, and no call's here"),
    Known(_JSON, "padding", IDLE, "is for padding, and nothing here is padded"),
    Known(_JSON, "version", IDLE, "says how the file was made"),
)

# Files of vocabularies. Those that are refused are so where no tokenizer.json says it all; `where`
# names the vocabulary beside which they are.
OTHER_FILES: tuple[Known, ...] = (
    Known(_JSON, "", READ, "says how a text becomes tokens"),
    Known(_WORDS, "", READ, "is a WordPiece vocabulary, a token a line"),
    Known("vocab.json", "", READ, "is a byte-level vocabulary, beside merges.txt"),
    Known("merges.txt", "", READ, "says in which order pieces of a word are joined"),
    *(
        Known(file, "", READ, f"is a SentencePiece model, as {whose} classes read it")
        for file, whose in (
            ("spm.model", "DeBERTa v2's and v3's"),
            ("sentencepiece.bpe.model", "XLM-RoBERTa's and CamemBERT's"),
            ("spiece.model", "ALBERT's"),
        )
    ),
    Known(
        "bpe.codes",
        "",
        REFUSED,
        "says in which order pieces of a word are joined, as BERTweet and PhoBERT do",
        (),
        _USE_THAT_PROGRAM,
        where=(_WORDS, ""),
    ),
    *(
        Known(
            file,
            "",
            REFUSED,
            "gives each character a shape and a sound, as RoCBert does",
            (),
            _USE_THAT_PROGRAM,
            where=(_WORDS, ""),
        )
        for file in ("word_shape.json", "word_pronunciation.json")
    ),
    Known(
        "emoji.json",
        "",
        REFUSED,
        "makes words as GPTNeoXJapaneseTokenizer does",
        (),
        _USE_THAT_PROGRAM,
        where=(_WORDS, _PAIR, ""),
    ),
    *(
        Known(
            file,
            "",
            REFUSED,
            f"is {whose} vocabulary",
            (),
            "convert it with"
            " transformers.AutoTokenizer.from_pretrained(directory).save_pretrained(directory),"
            " which writes tokenizer.json",
            where=("",),
        )
        for file, whose in (
            ("*.model", "SentencePiece's or tiktoken's"),
            ("tekken.json", "Mistral's"),
        )
    ),
    Known(
        "*.model",
        "",
        NOTED,
        "is SentencePiece's or tiktoken's vocabulary; like transformers, nothing here reads it"
        " beside a vocab.txt, though code of the model's own may cut texts into pieces by it",
        where=(_WORDS,),
    ),
    Known("tokenizer_config.json", "", READ, "says how the vocabulary is used"),
    Known("special_tokens_map.json", "", READ, "names special tokens, in older versions"),
    Known("added_tokens.json", "", READ, "lists added tokens, in older versions"),
    Known("entity_vocab.json", "", IDLE, "is for LUKE's entities, which no text gives"),
)

TOKENIZER: tuple[Known, ...] = (
    *TOKENIZER_CONFIG,
    *_MODEL,
    *TOKENS_MAP,
    *ADDED_TOKENS,
    *TOKENIZER_JSON,
    *OTHER_FILES,
)
