"""What transformers, and the authors' own code, read in config.json of encoders after BERT's."""

from bertie.known.record import IDLE, NOTED, READ, REFUSED, Known

CONFIG = "config.json"

DEBERTA = ("deberta", "deberta-v2")
GTE = ("gte", "new")
# Those that transformers has no class for; "new" is GTE under its authors' name.
AUTHORS = ("new", "jina_bert", "neobert")
MODERN = (
    *("modernbert", "deberta", "deberta-v2", "nomic_bert", "gte", "new"),
    *("jina_bert", "eurobert", "neobert"),
)
# Those whose queries and keys are turned by angles that the config says.
ROTARY = ("modernbert", "nomic_bert", "gte", "new", "eurobert")
ONE_BASE = tuple(name for name in ROTARY if name != "modernbert")


def _read(key: str, effect: str, *where: str) -> Known:
    """A key that is read."""
    return Known(CONFIG, key, READ, effect, where=where)


def _refused(
    key: str, effect: str, neutral: tuple[object, ...], instead: str, *where: str
) -> Known:
    """A key that is refused but for values under which it does nothing."""
    return Known(CONFIG, key, REFUSED, effect, neutral, instead, where)


def _idle(effect: str, *keys: str, where: tuple[str, ...]) -> tuple[Known, ...]:
    """Keys that change nothing that an encoder computes."""
    return tuple(Known(CONFIG, key, IDLE, effect, where=where) for key in keys)


_OTHER = "only the architecture as it was published is supported; take a model of that"

MODERN_CONFIG: tuple[Known, ...] = (
    # ModernBERT
    _read("norm_eps", "is what a norm adds to the variance", "modernbert", "neobert"),
    _read("norm_bias", "says whether norms have a bias", "modernbert"),
    _read("hidden_activation", "is the feed-forward activation", "modernbert"),
    _read(
        "attention_bias",
        "says whether attention's dense layers have a bias",
        *("modernbert", "eurobert"),
    ),
    _read("mlp_bias", "says whether feed-forward layers have a bias", "modernbert", "eurobert"),
    _read("local_attention", "counts the tokens that a local layer sees", "modernbert"),
    _read("layer_types", "says which layers are local", "modernbert"),
    _read("global_attn_every_n_layers", "says so in older files", "modernbert"),
    _read("global_rope_theta", "is the base of the others' angles in older files", "modernbert"),
    _read("local_rope_theta", "is the base of a local layer's angles in older files", "modernbert"),
    _read("classifier_bias", "says whether a head's first layer has a bias", "modernbert"),
    _read("classifier_activation", "is a head's activation", "modernbert"),
    _read("decoder_bias", "says whether the head for masked words has a bias", "modernbert"),
    _read("classifier_pooling", "says what a classifier reads", "modernbert", "eurobert"),
    _read("clf_pooling", "says what a classifier reads, in its authors' files", "eurobert"),
    _refused(
        "sliding_window",
        "changes local_attention behind its back",
        (),
        "state local_attention, which is twice as much",
        "modernbert",
    ),
    # Angles
    _read("rope_parameters", "says by what angles queries and keys are turned", *ROTARY),
    _read("rope_scaling", "says how longer texts than in training are read", *ROTARY),
    _read("rope_theta", "is the base of the angles in older files", *ONE_BASE),
    _refused(
        "original_max_position_embeddings",
        "is the trained length, before the one beside the factor",
        (),
        "state it in rope_parameters, where every version of transformers reads it",
        *ROTARY,
    ),
    *(
        _refused(
            key,
            "would say other angles, which its authors' code doesn't read",
            neutral,
            "its angles are fixed; take the key out",
            "neobert",
        )
        for key, neutral in (
            ("rope_parameters", ()),
            ("rope_scaling", ()),
            ("rope_theta", (10_000, 10_000.0)),
        )
    ),
    _read("head_dim", "is the width of a head", *("modernbert", "nomic_bert", *GTE, "eurobert")),
    _read("num_key_value_heads", "counts each layer's heads of keys and values", "eurobert"),
    _read("rms_norm_eps", "is what a norm adds to the mean square", "eurobert"),
    # DeBERTa
    _read("position_biased_input", "says whether there are position embeddings", *DEBERTA),
    _read("relative_attention", "says whether attention knows distances", *DEBERTA),
    _read("max_relative_positions", "counts the distances to one side", *DEBERTA),
    _read("pos_att_type", "says what distances are compared with", *DEBERTA),
    _read("pooler_hidden_act", "is the activation of a classifier's first layer", *DEBERTA),
    _read(
        "legacy",
        "says which head for masked words is meant where a file has both",
        *DEBERTA,
    ),
    _read("position_buckets", "counts the rows that distances share", "deberta-v2"),
    _read("share_att_key", "says whether distances have projections of their own", "deberta-v2"),
    _read("norm_rel_ebd", "says whether the distances' table is normalized", "deberta-v2"),
    _read("conv_kernel_size", "is the width of a convolution over the tokens", "deberta-v2"),
    _read("conv_act", "is that convolution's activation", "deberta-v2"),
    _read("attention_head_size", "is the width of a head", "deberta-v2"),
    _refused(
        "conv_groups",
        "cuts the convolution into several",
        (1,),
        _OTHER,
        "deberta-v2",
    ),
    _refused("talking_head", "mixes the heads' scores", (False,), _OTHER, "deberta"),
    # Nomic's own names, which are GPT-2's and more
    _read("n_embd", "is the width of a hidden state", "nomic_bert"),
    _read("n_layer", "counts the layers", "nomic_bert"),
    _read("n_head", "counts each layer's heads", "nomic_bert"),
    _read("n_inner", "is the width between the feed-forward layers", "nomic_bert"),
    _read("n_positions", "counts the positions", "nomic_bert"),
    _read("activation_function", "is the feed-forward activation", "nomic_bert"),
    _read("layer_norm_epsilon", "is what a layer norm adds to the variance", "nomic_bert"),
    _read("qkv_proj_bias", "says whether attention's dense layers have a bias", "nomic_bert"),
    _read("mlp_fc1_bias", "says whether the first feed-forward layers have one", "nomic_bert"),
    _read("mlp_fc2_bias", "says whether the last feed-forward layer has one", "nomic_bert"),
    _read("rotary_emb_fraction", "is the share of each head that is turned", "nomic_bert"),
    _read("rotary_emb_base", "is the base of the angles", "nomic_bert"),
    _read("rotary_emb_interleaved", "says which numbers are turned together", "nomic_bert"),
    _read("rotary_scaling_factor", "makes the base grow in long texts", "nomic_bert"),
    _read("max_trained_positions", "counts the tokens from which on it grows", "nomic_bert"),
    *(
        _refused(key, effect, neutral, _OTHER, "nomic_bert")
        for key, effect, neutral in (
            ("prenorm", "puts norms before the blocks", (False,)),
            ("parallel_block", "computes both blocks of one input", (False,)),
            ("parallel_block_tied_norm", "shares a norm between both blocks", (False,)),
            ("use_rms_norm", "takes another norm", (False,)),
            ("causal", "lets a token attend to those before it alone", (False,)),
            ("rotary_emb_scale_base", "lets scores fade with the distance", ()),
            ("rotary_head_dim", "turns heads instead of tokens", (False,)),
            ("num_heads_kv", "lets queries share heads of keys and values", ()),
            ("moe_every_n_layers", "has several experts in some layers", (0,)),
        )
    ),
    *_idle(
        "is about experts, of which there are none without moe_every_n_layers",
        *("num_experts", "moe_top_k", "num_shared_experts", "moe_impl", "expert_choice_router"),
        *("ffn_div", "moe_normalize_expert_weights", "moe_resid_pdrop"),
        where=("nomic_bert",),
    ),
    *_idle(
        "changes how its authors' code computes, or what it also gives, and no number",
        *("use_flash_attn", "fused_bias_fc", "fused_dropout_add_ln", "use_xentropy"),
        *("dense_seq_output", "last_layer_subset", "add_pooling_layer"),
        where=("nomic_bert",),
    ),
    *_idle(
        "is of GPT-2, whose config Nomic's has grown from",
        *("n_ctx", "scale_attn_weights", "scale_attn_by_inverse_layer_idx"),
        "reorder_and_upcast_attn",
        where=("nomic_bert",),
    ),
    *_idle(
        "is what vocab_size was rounded up to", "pad_vocab_size_multiple", where=("nomic_bert",)
    ),
    *_idle(
        "is for training",
        *("attn_pdrop", "embd_pdrop", "resid_pdrop"),
        where=("nomic_bert",),
    ),
    # GTE's own
    _refused(
        "position_embedding_type",
        "says how tokens know their places",
        ("rope",),
        "supported: rope",
        *GTE,
    ),
    _refused(
        "layer_norm_type", "takes another norm", ("layer_norm",), "supported: layer_norm", *GTE
    ),
    _refused(
        "logn_attention_scale",
        "scales scores by the length of the text",
        (False,),
        _OTHER,
        *GTE,
    ),
    *_idle("only matters with logn_attention_scale", "logn_attention_clip1", where=GTE),
    *_idle(
        "changes how its authors' code computes, and no number",
        *("unpad_inputs", "use_memory_efficient_attention"),
        where=GTE,
    ),
    *_idle(
        "says whether queries, keys and values are one tensor; the names say it, too",
        "pack_qkv",
        where=GTE,
    ),
    # Jina's
    _read("position_embedding_type", "tells it from BERT: alibi", "jina_bert"),
    _read("feed_forward_type", "is the feed-forward activation", "jina_bert"),
    _read("hidden_act", "is the activation of the head for masked words", "jina_bert"),
    *_idle("is for a method of its code's own", "emb_pooler", where=("jina_bert",)),
    # EuroBERT's
    _refused(
        "sliding_window",
        "lets a token see those near it alone",
        (),
        "its layers see the whole text; take the key out",
        "eurobert",
    ),
    # NeoBERT's
    _read("max_length", "counts the positions", "neobert"),
    *(
        _refused(key, effect, neutral, _OTHER, "neobert")
        for key, effect, neutral in (
            ("hidden_act", "is another activation", ("SwiGLU", "swiglu", "silu")),
            ("rms_norm", "takes another norm", (True,)),
            ("rope", "says how tokens know their places", (True,)),
            ("ngpt", "keeps states and weights at length 1", (False,)),
        )
    ),
    *_idle("is hidden_size's share of a head", "dim_head", where=("neobert",)),
    *_idle("is what its config has been made with", "kwargs", where=("neobert",)),
    *_idle(
        "is for training",
        *("classifier_init_range", "decoder_init_range", "embedding_init_range"),
        "encoder_init_range",
        where=("neobert",),
    ),
    # Several families'
    Known(
        CONFIG,
        "auto_map",
        NOTED,
        "names its authors' code; none is ever run, and what it computes is computed here",
        ({},),
        where=AUTHORS,
    ),
    *_idle(
        "is of older versions, and read by nobody any more",
        "position_embedding_type",
        where=("modernbert", *DEBERTA, "nomic_bert", "eurobert", "neobert"),
    ),
    *_idle("is for padding, and nothing here is padded", "pad_token_id", where=MODERN),
    *_idle("is the tokenizer's to say", "cls_token_id", where=("modernbert",)),
    *_idle(
        "is the tokenizer's to say",
        *("bos_token", "eos_token", "mask_token", "mask_token_id", "pad_token"),
        where=("eurobert",),
    ),
    *_idle("is hidden_size's", "pooler_hidden_size", where=DEBERTA),
    *_idle("is norm_eps's, which is read", "layer_norm_eps", where=("modernbert",)),
    *_idle(
        "is for training",
        *("embedding_dropout", "initializer_cutoff_factor", "mlp_dropout", "sparse_prediction"),
        "sparse_pred_ignore_index",
        where=("modernbert",),
    ),
    *_idle(
        "changes how transformers computes, and no number",
        *("deterministic_flash_attn", "reference_compile", "repad_logits_with_grad"),
        where=("modernbert",),
    ),
    *_idle("is for training", "cls_dropout", "pooler_dropout", where=DEBERTA),
    *_idle("is for training on several machines", "pretraining_tp", where=("eurobert",)),
)
