"""Which files make a model."""

from bertie.sources.layout import lacking, needed, roots


def test_only_the_files_that_running_takes_are_chosen() -> None:
    there = [
        "README.md",
        "config.json",
        "model.safetensors",
        "pytorch_model.bin",
        "onnx/model.onnx",
        "openvino/config.json",
        "vocab.txt",
        "modules.json",
        "1_Pooling/config.json",
        "2_Dense/model.safetensors",
        "2_Dense/pytorch_model.bin",
    ]
    assert needed(there) == [
        "1_Pooling/config.json",
        "2_Dense/model.safetensors",
        "config.json",
        "model.safetensors",
        "modules.json",
        "vocab.txt",
    ]


def test_weights_are_chosen_in_one_form_whole_before_sharded_and_safetensors_first() -> None:
    forms = [
        ["model.safetensors"],
        ["model-00001-of-00002.safetensors", "model.safetensors.index.json"],
        ["pytorch_model.bin"],
        ["pytorch_model-00001-of-00002.bin", "pytorch_model.bin.index.json"],
    ]
    while forms:
        assert needed(name for form in forms for name in form) == sorted(forms[0])
        del forms[0]
    assert needed(["model-00001-of-00002.safetensors", "pytorch_model.bin"]) == [
        "pytorch_model.bin"
    ]


def test_each_folder_has_weights_of_its_own_form() -> None:
    there = ["model.safetensors", "2_Dense/pytorch_model.bin", "other/pytorch_model.bin"]
    assert needed(there) == ["2_Dense/pytorch_model.bin", "model.safetensors"]


def test_what_a_folder_lacks_is_named_with_the_files_that_would_do() -> None:
    assert [str(part) for part in lacking(["config.json"])] == [
        "weights (model.safetensors or model.safetensors.index.json or pytorch_model.bin"
        " or pytorch_model.bin.index.json)",
        "a vocabulary (tokenizer.json or vocab.txt or vocab.json and merges.txt)",
    ]
    for weights in ("model.safetensors", "pytorch_model.bin"):
        assert lacking(["config.json", weights, "vocab.txt"]) == []
        pair = ["vocab.json", "merges.txt"]
        assert lacking(["config.json", weights, *pair]) == []
        assert lacking(["config.json", weights, pair[0]]) != []


def test_files_without_which_a_vocabulary_is_read_wrongly_are_fetched_to_be_refused() -> None:
    beside = ["vocab.txt", "bpe.codes", "word_shape.json", "spiece.model"]
    assert needed(beside) == sorted(beside)
    assert needed([*beside, "tokenizer.json"]) == ["tokenizer.json", "vocab.txt"]
    assert needed(["merges.txt", "vocab.json", "x.txt"]) == ["merges.txt", "vocab.json"]


def test_models_are_found_in_a_tree_and_their_own_folders_are_not_models() -> None:
    model = ["config.json", "model.safetensors", "vocab.txt"]
    assert roots(model) == [""]
    tree = [f"{folder}/{name}" for folder in ("p/a", "p/b", "p/b/0_Transformer") for name in model]
    assert roots([*tree, "p/__init__.py"]) == ["p/a", "p/b"]
    assert roots(["p/__init__.py"]) == []


def test_a_model_whose_transformer_has_a_folder_of_its_own_is_one_model() -> None:
    transformer = [f"p/0_Transformer/{name}" for name in ("config.json", "model.safetensors")]
    tree = [*transformer, "p/0_Transformer/vocab.txt", "p/modules.json", "p/1_Pooling/config.json"]
    assert roots(tree) == ["p"]
