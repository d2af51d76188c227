"""The modules that sentence-transformers has, and what each of their files says."""

from bertie.known.record import IDLE, READ, REFUSED, Known
from bertie.known.sentence import MODULES

MODULE = "*/config.json"


MODULES_FILE: tuple[Known, ...] = (
    Known(MODULES, "type", READ, "names a module's class"),
    Known(MODULES, "path", READ, "says where a module's files are"),
    Known(MODULES, "name", READ, "tells modules apart: of one name there is one"),
    Known(MODULES, "idx", IDLE, "counts the modules, whose order is the file's"),
    Known(MODULES, "kwargs", IDLE, "names arguments that a module of one's own may take"),
)


def _module(kind: str, mark: str, effect: str, *keys: str) -> list[Known]:
    """Rows of a module's file."""
    return [Known(MODULE, key, mark, effect, where=(kind,)) for key in keys]


def _refused(kind: str, effect: str, instead: str, file: str = MODULE) -> Known:
    """A module that isn't supported, with all that its file says."""
    return Known(file, "", REFUSED, effect, (), instead, (kind,))


_TRAINED = "take a model of transformer modules"
_STATIC = "load the encoder that it has beside it, if it has one"

MODULE_CONFIGS: tuple[Known, ...] = (
    *_module(
        "Pooling",
        READ,
        "says how tokens become one vector",
        "pooling_mode",
        "pooling_mode_cls_token",
        "pooling_mode_lasttoken",
        "pooling_mode_max_tokens",
        "pooling_mode_mean_sqrt_len_tokens",
        "pooling_mode_mean_tokens",
        "pooling_mode_weightedmean_tokens",
    ),
    *_module("Pooling", READ, "says whether a prompt's tokens are pooled", "include_prompt"),
    *_module(
        "Pooling",
        READ,
        "is hidden_size, and checked against it",
        "embedding_dimension",
        "word_embedding_dimension",
    ),
    *_module("Dense", READ, "is the layer's width", "in_features", "out_features"),
    *_module("Dense", READ, "says whether the layer has a bias", "bias"),
    *_module("Dense", READ, "is the layer's activation", "activation_function"),
    *_module(
        "Dense",
        READ,
        "says what the layer is over: the pooled vector, or every token's",
        "module_input_name",
        "module_output_name",
    ),
    Known(
        MODULE,
        "use_residual",
        REFUSED,
        "adds what comes in to what goes out",
        (False,),
        "take a model without it",
        ("Dense",),
    ),
    *_module(
        "Normalize",
        READ,
        "says what is scaled to length 1: the pooled vector, or every token's",
        "module_input_name",
        "module_output_name",
    ),
    *_module("Dropout", IDLE, "is for training", "dropout"),
    Known(
        MODULE,
        "pooling_strategy",
        REFUSED,
        "adds tokens' weights up",
        ("max",),
        "take a model of SPLADE's second version or later, which takes the largest",
        ("SpladePooling",),
    ),
    *_module("SpladePooling", READ, "turns logits into weights", "activation_function"),
    *_module(
        "SpladePooling",
        IDLE,
        "changes no number",
        "chunk_size",
        "embedding_dimension",
        "word_embedding_dimension",
    ),
    *_module(
        "MultiVectorMask",
        READ,
        "leaves tokens out of queries or documents",
        "skiplist_words",
        "skiplist_tasks",
    ),
    Known(
        MODULE,
        "keep_only_token_ids",
        REFUSED,
        "keeps the vectors of some tokens alone, such as an image's",
        ([],),
        "take a model of texts",
        ("MultiVectorMask",),
    ),
    _refused(
        "Router",
        "sends queries and documents through modules of their own",
        "load the folder of one of its routes, which has the files of an encoder",
        "*/router_config.json",
    ),
    _refused(
        "Asym",
        "sends queries and documents through modules of their own",
        "load the folder of one of its routes, which has the files of an encoder",
        "*/router_config.json",
    ),
    _refused("StaticEmbedding", "takes vectors of tokens from a table, with no encoder", _STATIC),
    _refused(
        "SparseStaticEmbedding", "takes weights of tokens from a table, with no encoder", _STATIC
    ),
    _refused("IDF", "takes weights of tokens from a table, with no encoder", _STATIC),
    _refused(
        "SparseAutoEncoder",
        "makes vectors sparse by a layer of their own",
        "give task='embed' to a copy without it, for the vectors that go into it",
    ),
    _refused(
        "CSRSparsity",
        "makes vectors sparse by a layer of their own",
        "give task='embed' to a copy without it, for the vectors that go into it",
    ),
    _refused("BoW", "counts words", _TRAINED),
    _refused("CNN", "is a convolution over tokens", _TRAINED, "*/cnn_config.json"),
    _refused("LSTM", "is a recurrent network over tokens", _TRAINED, "*/lstm_config.json"),
    _refused(
        "WordEmbeddings",
        "takes vectors of words from a table",
        _TRAINED,
        "*/wordembedding_config.json",
    ),
    _refused("WordWeights", "weighs tokens by their words", _TRAINED),
    _refused(
        "WeightedLayerPooling", "pools several layers by weights", "give layers= and pooling="
    ),
    _refused("LayerNorm", "is a norm over the pooled vector", "take a model without it"),
    _refused(
        "LogitScore",
        "takes a decoder's logits of two words for a score",
        "take a cross-encoder with a classifier",
    ),
    _refused("CLIPModel", "reads images", "take a model of texts"),
    _refused("HierarchicalTokenPooling", "joins tokens' vectors", "take a copy without it"),
    _refused("LambdaTokenPooling", "joins tokens' vectors by code", "take a copy without it"),
)
