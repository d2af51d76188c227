"""Which files make a model."""

import pytest

from bertie.sources.layout import lacking, needed, roots, unread


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
        " or pytorch_model.bin.index.json or bert_model.ckpt.index or model.onnx or"
        " onnx/model.onnx)",
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


@pytest.mark.parametrize(
    "weights",
    [
        ["onnx/model.onnx", "onnx/model.onnx_data"],
        ["model.onnx"],
        ["bert_model.ckpt.data-00000-of-00001", "bert_model.ckpt.index", "checkpoint"],
        ["0_Transformer/onnx/model.onnx"],
    ],
)
@pytest.mark.parametrize("config", ["config.json", "bert_config.json"])
def test_what_can_be_loaded_is_fetched(weights: list[str], config: str) -> None:
    folder = "0_Transformer/" if "/onnx" in weights[0] else ""
    there = sorted([folder + config, folder + "vocab.txt", *weights])
    others = ["onnx/model_quantized.onnx", "onnx/config.json", "openvino/model.onnx", "x.onnx"]
    assert needed([*there, *others]) == there
    assert lacking(there) == []
    if not folder:
        assert needed([*there, "model.safetensors"]) == sorted(
            [config, "vocab.txt", "model.safetensors"]
        )


def test_a_modules_config_is_not_the_encoders() -> None:
    there = ["1_Pooling/config.json", "model.safetensors", "vocab.txt"]
    assert [part.name for part in lacking(there)] == ["a configuration"]
    there = ["config.json", "vocab.txt", "2_Dense/config.json", "2_Dense/model.safetensors"]
    assert [part.name for part in lacking(there)] == ["weights"]


def test_files_that_are_refused_when_a_model_is_loaded_are_named() -> None:
    (said,) = unread(["adapter_config.json", "adapter_model.safetensors", "tokenizer.json"])
    assert said.startswith("adapter_config.json says that an adapter is to be put into")
    (said,) = unread(["config.json", "model.safetensors", "spiece.model"])
    assert said.startswith("*.model is SentencePiece's or tiktoken's vocabulary; convert it with")
    assert unread(["config.json", "model.safetensors", "spiece.model", "tokenizer.json"]) == []


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
