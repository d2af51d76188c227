"""What sentence-transformers reads: its modules, and how texts are prepared for them."""

from bertie.known.record import IDLE, NOTED, READ, REFUSED, Known

# The names of the file beside the encoder, in the order in which they are looked for: the first
# that isn't empty is read.
TRANSFORMER_CONFIGS = (
    "sentence_bert_config.json",
    "sentence_roberta_config.json",
    "sentence_distilbert_config.json",
    "sentence_camembert_config.json",
    "sentence_albert_config.json",
    "sentence_xlm-roberta_config.json",
    "sentence_xlnet_config.json",
)
PROMPTS_CONFIG = "config_sentence_transformers.json"
MODULES = "modules.json"
COLBERT = "artifact.metadata"

# The tasks whose models a key of a shared file matters to; "pylate" is a multi-vector one that
# PyLate saved, whose settings are elsewhere.
_EMBED, _SPARSE, _RANK, _PYLATE, _VECTORS = "embed", "sparse", "rank", "pylate", "multivector"
_OTHERS = (_EMBED, _SPARSE, _RANK)

_FILE = TRANSFORMER_CONFIGS[0]
_SAVE_AGAIN = "save the model with files that say it, and without this key"


def _in(file: str, mark: str, effect: str, *keys: str, where: tuple[str, ...] = ()) -> list[Known]:
    """Make a row of each of some keys with one effect."""
    return [Known(file, key, mark, effect, where=where) for key in keys]


def _tokenizing(kind: str) -> list[Known]:
    """List what a call of the tokenizer can be told."""
    base = f"processing_kwargs.{kind}"
    first = "; it comes before text's" if kind == "common" else ""
    return [
        Known(_FILE, f"{base}.max_length", READ, f"is the most tokens of a text{first}"),
        Known(
            _FILE,
            f"{base}.truncation",
            REFUSED,
            "says how long texts are cut",
            (True, "longest_first"),
            "take it out; truncate= says that for each call",
        ),
        Known(
            _FILE,
            f"{base}.add_special_tokens",
            REFUSED,
            "leaves out the tokens that frame a text",
            (True,),
            _SAVE_AGAIN,
        ),
        Known(
            _FILE,
            f"{base}.return_token_type_ids",
            REFUSED,
            "leaves out which text of a pair a token is of",
            (True,),
            _SAVE_AGAIN,
        ),
        *_in(
            _FILE,
            IDLE,
            "is for padding and for what a tokenizer gives back",
            *(
                f"{base}.{name}"
                for name in (
                    "padding",
                    "padding_side",
                    "pad_to_multiple_of",
                    "logits_to_keep",
                    "return_attention_mask",
                    "return_length",
                    "return_offsets_mapping",
                    "return_special_tokens_mask",
                    "return_tensors",
                    "verbose",
                )
            ),
        ),
        Known(_FILE, f"{base}.*", REFUSED, "changes how texts are tokenized", (), "take it out"),
    ]


def _loading(kind: str, old: str, *idle: str) -> list[Known]:
    """List what loading is told under either of two names, all but some of it refused."""
    rows = []
    for name in (f"{kind}_kwargs", old):
        rows += _in(_FILE, IDLE, "changes no number", *(f"{name}.{key}" for key in idle))
        effect = "is told to transformers as it loads the model"
        rows.append(Known(_FILE, f"{name}.*", REFUSED, effect, (), _SAVE_AGAIN))
    return rows


_PRECISION = "is what transformers computes in; here precision= decides"

SENTENCE_CONFIGS: tuple[Known, ...] = (
    *(
        Known(file, "", READ, "says how texts are read; the first of these that isn't empty counts")
        for file in TRANSFORMER_CONFIGS
    ),
    Known(_FILE, "max_seq_length", READ, "is the most tokens of a text"),
    Known(_FILE, "do_lower_case", READ, "lower-cases texts before the tokenizer sees them"),
    Known(_FILE, "transformer_task", READ, "names the head: none, a classifier, masked words"),
    *_tokenizing("common"),
    *_tokenizing("text"),
    *_in(
        _FILE,
        IDLE,
        "is for other things than texts",
        "processing_kwargs.audio",
        "processing_kwargs.chat_template",
        "processing_kwargs.image",
        "processing_kwargs.video",
    ),
    Known(
        _FILE,
        "processing_kwargs.*",
        NOTED,
        "sentence-transformers takes no notice of there, nor does anybody here: it belongs under"
        " text or common",
    ),
    *(
        Known(_FILE, f"{name}.model_max_length", READ, "is the most tokens of a text")
        for name in ("processor_kwargs", "tokenizer_args")
    ),
    *_loading(
        "processor", "tokenizer_args", "trust_remote_code", "use_fast", "padding_side", "token"
    ),
    *(
        Known(_FILE, f"{name}.{key}", NOTED, _PRECISION, ("float32", "auto"))
        for name in ("model_kwargs", "model_args")
        for key in ("dtype", "torch_dtype")
    ),
    *_loading(
        "model",
        "model_args",
        "trust_remote_code",
        "attn_implementation",
        "add_pooling_layer",
        "device_map",
        "low_cpu_mem_usage",
        "output_attentions",
        "output_hidden_states",
        "token",
        "use_cache",
        "use_safetensors",
    ),
    *_loading(
        "config",
        "config_args",
        "trust_remote_code",
        "output_attentions",
        "output_hidden_states",
        "token",
        "use_cache",
    ),
    Known(
        _FILE,
        "modality_config.text.method",
        REFUSED,
        "names what of the model is called",
        ("forward",),
        "save the model again with forward",
    ),
    Known(
        _FILE,
        "modality_config.text.method_output_name",
        REFUSED,
        "names which output is taken",
        ("last_hidden_state", "logits"),
        "save the model again with last_hidden_state, or a head's logits",
    ),
    Known(
        _FILE,
        "modality_config.message",
        REFUSED,
        "puts texts into the template of a conversation",
        (),
        "save the model again for the modality text",
    ),
    Known(_FILE, "modality_config.*", IDLE, "is for other things than texts"),
    Known(
        _FILE,
        "module_output_name",
        REFUSED,
        "names what the modules after it are given",
        ("token_embeddings", "scores"),
        "save the model again with token_embeddings",
    ),
    Known(
        _FILE,
        "tokenizer_name_or_path",
        REFUSED,
        "takes the tokenizer from another place",
        (),
        "save the model with that tokenizer, and without this key",
    ),
    Known(_FILE, "unpad_inputs", IDLE, "changes how fast it is; nothing here is padded"),
    *(
        Known(_FILE, key, READ, effect, where=(_VECTORS,))
        for key, effect in (
            ("query_length", "is the most tokens of a query"),
            ("document_length", "is the most tokens of a document"),
            ("query_expansion", "fills queries up with masks: strategy, length, token, attend"),
        )
    ),
    *(
        Known(
            _FILE,
            key,
            REFUSED,
            "reads queries and documents by other lengths than other texts",
            (),
            "take it out, and give max_length= for what is to be read",
            (*_OTHERS, _PYLATE),
        )
        for key in ("query_length", "document_length", "query_expansion")
    ),
)

SENTENCE_SETTINGS: tuple[Known, ...] = (
    Known(PROMPTS_CONFIG, "model_type", READ, "names the kind of model"),
    Known(PROMPTS_CONFIG, "prompts", READ, "are texts to put before an input"),
    Known(
        PROMPTS_CONFIG,
        "default_prompt_name",
        READ,
        "names the prompt that is put before every input",
    ),
    Known(
        PROMPTS_CONFIG, "similarity_fn_name", READ, "says how vectors are compared", where=(_EMBED,)
    ),
    Known(
        PROMPTS_CONFIG,
        "similarity_fn_name",
        REFUSED,
        "compares texts by something else than the sum of MaxSim",
        ("maxsim", "MaxSim", "cosine", "dot"),
        "compare the vectors yourself, and take the key out",
        (_VECTORS, _PYLATE),
    ),
    Known(
        PROMPTS_CONFIG,
        "similarity_fn_name",
        IDLE,
        "says how vectors are compared, which is left to the caller",
        where=(_SPARSE,),
    ),
    Known(
        PROMPTS_CONFIG,
        "truncate_dim",
        READ,
        "is how many floats of a vector are kept",
        (),
        "",
        (_EMBED,),
    ),
    Known(
        PROMPTS_CONFIG, "max_active_dims", READ, "is how many weights are kept", where=(_SPARSE,)
    ),
    Known(PROMPTS_CONFIG, "activation_fn", READ, "turns logits into scores", where=(_RANK,)),
    *_in(
        PROMPTS_CONFIG,
        READ,
        "is how PyLate's models read texts",
        "query_length",
        "document_length",
        "query_prefix",
        "document_prefix",
        "skiplist_words",
        "attend_to_expansion_tokens",
        "attend_to_mask_tokens",
        "do_query_expansion",
        where=(_PYLATE,),
    ),
    Known(
        PROMPTS_CONFIG,
        "query_expansion",
        REFUSED,
        "fills queries up with masks, in PyLate's file",
        (),
        "save the model with sentence-transformers 6, which has it in sentence_bert_config.json",
        (_PYLATE,),
    ),
    *_in(
        PROMPTS_CONFIG, IDLE, "keeps layers in float32, as heads are here", "keep_in_fp32_modules"
    ),
    *_in(
        PROMPTS_CONFIG,
        IDLE,
        "says which packages saved it or load it, none of which is used here",
        "__version__",
        "requirements",
    ),
    *_in(
        COLBERT,
        READ,
        "is how ColBERT reads texts",
        "query_maxlen",
        "doc_maxlen",
        "mask_punctuation",
        "attend_to_mask_tokens",
        "query_token_id",
        "doc_token_id",
    ),
)
