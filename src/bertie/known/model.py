"""What transformers reads beside a tokenizer: config.json, and files that stand next to it."""

from bertie.known.modern_model import (
    AUTHORS,
    CONFIG,
    DEBERTA,
    GTE,
    MODERN,
    MODERN_CONFIG,
    ONE_BASE,
    ROTARY,
)
from bertie.known.record import IDLE, NOTED, READ, REFUSED, Known

_FROM_PADDING = ("roberta", "xlm-roberta", "camembert")
_FROM_ZERO = ("bert", "distilbert", "electra", "albert", "mpnet")
_PLAIN = ("bert", "roberta", "xlm-roberta", "camembert", "electra", "albert", "mpnet")
_OWN_WIDTH = ("electra", "albert")
_ONE_WIDTH = ("bert", "roberta", "xlm-roberta", "camembert", "distilbert", "mpnet")
_SEGMENTS = ("bert", "roberta", "xlm-roberta", "camembert", "electra", "albert")
_EARLIER = (
    "bert",
    "roberta",
    "xlm-roberta",
    "camembert",
    "distilbert",
    "electra",
    "albert",
    "mpnet",
)
_EVERY = (*_EARLIER, *MODERN)


def _but(*names: str) -> tuple[str, ...]:
    """List all architectures but some."""
    return tuple(name for name in _EVERY if name not in names)


def _read(key: str, effect: str, *where: str) -> Known:
    """A key of config.json that is read."""
    return Known(CONFIG, key, READ, effect, where=where)


def _idle(effect: str, *keys: str, where: tuple[str, ...] = ()) -> tuple[Known, ...]:
    """Keys of config.json that change nothing that an encoder computes."""
    return tuple(Known(CONFIG, key, IDLE, effect, where=where) for key in keys)


MODEL_CONFIG: tuple[Known, ...] = (
    _read("model_type", "names the architecture"),
    _read("architectures", "names the class, which says what the model is for"),
    _read("vocab_size", "counts the word embeddings"),
    _read("hidden_size", "is the width of a hidden state"),
    _read("dim", "is the width of a hidden state", "distilbert"),
    _read("num_hidden_layers", "counts the layers"),
    _read("n_layers", "counts the layers", "distilbert"),
    _read("num_attention_heads", "counts each layer's heads"),
    _read("n_heads", "counts each layer's heads", "distilbert"),
    _read("intermediate_size", "is the width between the feed-forward layers", *_but("distilbert")),
    _read("hidden_dim", "is the width between the feed-forward layers", "distilbert"),
    _read("max_position_embeddings", "counts the positions", *_but("neobert")),
    _read(
        "type_vocab_size",
        "counts the kinds of segment",
        *(*_SEGMENTS, *DEBERTA, *GTE, "nomic_bert", "jina_bert"),
    ),
    _read(
        "hidden_act",
        "is the feed-forward activation",
        *_but("distilbert", "modernbert", "neobert", "jina_bert"),
    ),
    _read("activation", "is the feed-forward activation", "distilbert"),
    _read(
        "layer_norm_eps",
        "is what a layer norm adds to the variance",
        *_but("distilbert", "modernbert", "eurobert", "neobert"),
    ),
    _read("embedding_size", "is the width of the embedding tables", *_OWN_WIDTH, *DEBERTA),
    _read("num_hidden_groups", "counts the groups of layers that share weights", "albert"),
    _read("inner_group_num", "counts the layers of a group", "albert"),
    _read("relative_attention_num_buckets", "counts the kinds of distance; only 32", "mpnet"),
    _read("pad_token_id", "is where positions count from", *_FROM_PADDING),
    _read("tie_word_embeddings", "says whether a decoder may be the word embeddings"),
    _read("id2label", "names a head's outputs"),
    _read("label2id", "names a head's outputs where id2label doesn't"),
    _read("problem_type", "says how a classifier's logits become scores"),
    _read("sentence_transformers.activation_fn", "says how a cross-encoder's logits become scores"),
    _read(
        "sbert_ce_default_activation_function",
        "says how a cross-encoder's logits become scores, in older files",
    ),
    Known(
        CONFIG,
        "position_embedding_type",
        REFUSED,
        "makes attention depend on distances (up to transformers 4; 5 takes no notice)",
        ("absolute",),
        "supported: absolute",
        _EARLIER,
    ),
    *(
        Known(
            CONFIG,
            key,
            REFUSED,
            effect,
            (False,),
            "only whole, bidirectional encoders are supported; take the encoder that it was made"
            " of, if there is one",
        )
        for key, effect in (
            ("is_decoder", "lets a token attend to those before it alone"),
            ("is_causal", "lets a token attend to those before it alone"),
            ("add_cross_attention", "lets a decoder attend to an encoder"),
        )
    ),
    Known(
        CONFIG,
        "pruned_heads",
        REFUSED,
        "takes attention heads out of layers (up to transformers 4; 5 takes no notice)",
        ({}, []),
        "only whole, bidirectional encoders are supported; take the model before it was pruned",
    ),
    Known(
        CONFIG,
        "per_layer_config",
        REFUSED,
        "gives single layers sizes and options of their own",
        ({},),
        "take a model whose layers are alike",
    ),
    Known(
        CONFIG,
        "quantization_config",
        REFUSED,
        "says that the weights are packed in few bits",
        (),
        "take the weights in float32, float16 or bfloat16, and precision='int8' to load them so",
    ),
    Known(
        CONFIG,
        "transformers_weights",
        REFUSED,
        "names the file of the weights to load",
        ("model.safetensors",),
        "rename that file to model.safetensors, and take the key out",
    ),
    Known(
        CONFIG,
        "auto_map",
        NOTED,
        "names code that comes with the model; none is ever run, and model_type's own"
        " architecture is computed, as transformers does without trust_remote_code",
        ({},),
        where=_but(*AUTHORS),
    ),
    *(
        Known(
            CONFIG,
            key,
            NOTED,
            "is what transformers 5 computes in; here precision= decides",
            ("float32",),
        )
        for key in ("dtype", "torch_dtype")
    ),
    *_idle(
        "counts the labels; the head's own outputs decide, and a note says where they disagree",
        "num_labels",
    ),
    *_idle("is for padding, and nothing here is padded", "pad_token_id", where=_FROM_ZERO),
    *_idle("is hidden_size's", "embedding_size", where=_ONE_WIDTH),
    *_idle(
        "is for training",
        "attention_probs_dropout_prob",
        "attention_dropout",
        "classifier_dropout",
        "classifier_dropout_prob",
        "dropout",
        "gradient_checkpointing",
        "hidden_dropout_prob",
        "init_std",
        "initializer_factor",
        "initializer_range",
        "qa_dropout",
        "seq_classif_dropout",
        "sinusoidal_pos_embds",
        "summary_first_dropout",
        "summary_last_dropout",
    ),
    *_idle(
        "is for ELECTRA's multiple choice, whose head is not read",
        "summary_activation",
        "summary_proj_to_labels",
        "summary_type",
        "summary_use_proj",
    ),
    *_idle(
        "changes how transformers computes, or what it also gives, and no number",
        "attn_implementation",
        "chunk_size_feed_forward",
        "distributed_config",
        "experts_implementation",
        "fusion_config",
        "output_attentions",
        "output_hidden_states",
        "return_dict",
        "tie_last_hidden_states",
        "use_cache",
    ),
    *_idle(
        "is for decoders",
        "bos_token_id",
        "eos_token_id",
        "is_encoder_decoder",
        "sep_token_id",
        "assistant_confidence_threshold",
        "assistant_lookbehind",
        "bad_words_ids",
        "begin_suppress_tokens",
        "diversity_penalty",
        "do_sample",
        "early_stopping",
        "encoder_no_repeat_ngram_size",
        "encoder_repetition_penalty",
        "epsilon_cutoff",
        "eta_cutoff",
        "exponential_decay_length_penalty",
        "forced_bos_token_id",
        "forced_eos_token_id",
        "length_penalty",
        "min_length",
        "no_repeat_ngram_size",
        "num_assistant_tokens",
        "num_assistant_tokens_schedule",
        "num_beam_groups",
        "num_beams",
        "num_return_sequences",
        "output_scores",
        "remove_invalid_values",
        "repetition_penalty",
        "return_dict_in_generate",
        "suppress_tokens",
        "target_lookbehind",
        "temperature",
        "top_k",
        "top_p",
        "typical_p",
    ),
    *_idle("is for decoders", "max_length", where=_but("neobert")),
    *_idle(
        "is of other architectures than these",
        "attention_chunk_size",
        "features_only",
        "num_channels",
        "out_indices",
    ),
    *_idle("is of other architectures", "layer_types", where=_but("modernbert")),
    *_idle("is of other architectures", "sliding_window", where=_but("modernbert", "eurobert")),
    *_idle("is of other architectures", "rope_scaling", where=_but(*ROTARY, "neobert")),
    *_idle("is of other architectures", "rope_theta", where=_but(*ONE_BASE, "neobert")),
    *_idle("is never asked for: num_labels decides before", "function_to_apply"),
    *_idle(
        "is of older versions, and read by nobody any more",
        "cross_attention_hidden_size",
        "decoder_start_token_id",
        "directionality",
        "down_scale_factor",
        "finetuning_task",
        "gap_size",
        "net_structure_type",
        "output_past",
        "pooler_fc_size",
        "pooler_num_attention_heads",
        "pooler_num_fc_layers",
        "pooler_size_per_head",
        "pooler_type",
        "prefix",
        "task_specific_params",
        "tie_encoder_decoder",
        "tie_weights_",
        "torchscript",
        "use_bfloat16",
    ),
    *_idle("says where the model is from", "name_or_path", "transformers_version"),
)

MODEL_CONFIG += MODERN_CONFIG

_LOADERS = "transformers and sentence-transformers"

MODEL_FILES: tuple[Known, ...] = (
    Known(
        "adapter_config.json",
        "",
        REFUSED,
        "says that an adapter is to be put into the weights of a base model",
        (),
        "merge it, with peft: model.merge_and_unload().save_pretrained(directory), and load that;"
        " or take the file away to load the base model that lies beside it",
    ),
    Known(
        "adapter_model.*",
        "",
        NOTED,
        "holds an adapter's weights; without its adapter_config.json nobody applies them, neither"
        " here nor in transformers",
    ),
    Known(
        "model_args.json",
        "",
        NOTED,
        "is simpletransformers' own; like transformers, nothing here reads it: give max_length="
        " and lower= if it says other ones",
    ),
    Known(
        "processor_config.json",
        "",
        NOTED,
        "names a processor of more than texts; texts are read by the tokenizer's own files",
    ),
    *(
        Known(file, "", NOTED, f"{what}; like {who}, nothing here reads it")
        for file, what, who in (
            ("*/adapter_config.json", "is an adapter that is put in when a program asks", _LOADERS),
            ("pytorch_adapter.bin", "holds the weights of the package adapters'", _LOADERS),
            ("head_config.json", "is a head of the package adapters'", _LOADERS),
            ("pytorch_model_head.bin", "holds a head of the package adapters'", _LOADERS),
            ("quantize_config.json", "says how AutoGPTQ packed weights in few bits", _LOADERS),
            (
                "config_setfit.json",
                "is SetFit's own, for a classifier of vectors: what comes out is vectors, and"
                " normalize=True is for normalize_embeddings in it",
                _LOADERS,
            ),
            ("model_head.pkl", "is SetFit's classifier of the vectors, a pickle", _LOADERS),
            ("colbert_linear.pt", "is what gives BGE-M3 a vector for each token", _LOADERS),
            ("sparse_linear.pt", "is what gives BGE-M3 a weight for each token", _LOADERS),
        )
    ),
    Known("preprocessor_config.json", "", IDLE, "is for images and sounds"),
    Known("generation_config.json", "", IDLE, "is for decoders"),
    Known("ort_config.json", "", IDLE, "says how optimum made an ONNX file"),
    Known("chat_template.jinja", "", IDLE, "is for conversations"),
    Known("onnx/", "", IDLE, "holds the weights once more, unless it holds them alone"),
    Known("openvino/", "", IDLE, "holds the weights once more, for another engine"),
    Known("*.py", "", IDLE, "is code, and none of a model's is ever run"),
    Known("README.md", "", IDLE, "is for people"),
)
