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


def test_shards_are_chosen_only_where_there_is_no_single_file() -> None:
    shards = ["model.safetensors.index.json", "model-00001-of-00002.safetensors"]
    assert needed(shards) == sorted(shards)
    assert needed([*shards, "model.safetensors"]) == ["model.safetensors"]


def test_what_a_folder_lacks_is_named_with_the_files_that_would_do() -> None:
    assert [str(part) for part in lacking(["config.json"])] == [
        "weights (model.safetensors or model.safetensors.index.json)",
        "a vocabulary (vocab.txt or tokenizer.json)",
    ]
    assert lacking(["config.json", "model.safetensors", "vocab.txt"]) == []


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
