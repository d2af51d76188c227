"""Which files make a model."""

import pytest

from bertie.sources.layout import missing_parts, model_folders, needed_files, refused_files


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
    assert needed_files(there) == [
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
        assert needed_files(name for form in forms for name in form) == sorted(forms[0])
        del forms[0]
    assert needed_files(["model-00001-of-00002.safetensors", "pytorch_model.bin"]) == [
        "pytorch_model.bin"
    ]


def test_each_folder_has_weights_of_its_own_form() -> None:
    there = ["model.safetensors", "2_Dense/pytorch_model.bin", "other/pytorch_model.bin"]
    assert needed_files(there) == ["2_Dense/pytorch_model.bin", "model.safetensors"]


def test_what_a_folder_lacks_is_named_with_the_files_that_would_do() -> None:
    assert [str(part) for part in missing_parts(["config.json"])] == [
        "weights (model.safetensors or model.safetensors.index.json or pytorch_model.bin"
        " or pytorch_model.bin.index.json or bert_model.ckpt.index or model.onnx or"
        " onnx/model.onnx)",
        "a vocabulary (tokenizer.json or vocab.txt or vocab.json and merges.txt or spm.model or"
        " sentencepiece.bpe.model or spiece.model)",
    ]
    for weights in ("model.safetensors", "pytorch_model.bin"):
        assert missing_parts(["config.json", weights, "vocab.txt"]) == []
        pair = ["vocab.json", "merges.txt"]
        assert missing_parts(["config.json", weights, *pair]) == []
        assert missing_parts(["config.json", weights, pair[0]]) != []
        assert missing_parts(["config.json", weights, "spm.model"]) == []
        assert refused_files(["config.json", weights, "spm.model"]) == []


def test_files_without_which_a_vocabulary_is_read_wrongly_are_fetched_to_be_refused() -> None:
    beside = ["vocab.txt", "bpe.codes", "word_shape.json", "spiece.model"]
    assert needed_files(beside) == sorted(beside)
    assert needed_files([*beside, "tokenizer.json"]) == ["tokenizer.json", "vocab.txt"]
    assert needed_files(["merges.txt", "vocab.json", "x.txt"]) == ["merges.txt", "vocab.json"]


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
    assert needed_files([*there, *others]) == there
    assert missing_parts(there) == []
    if not folder:
        assert needed_files([*there, "model.safetensors"]) == sorted(
            [config, "vocab.txt", "model.safetensors"]
        )


def test_a_modules_config_is_not_the_encoders() -> None:
    there = ["1_Pooling/config.json", "model.safetensors", "vocab.txt"]
    assert [part.name for part in missing_parts(there)] == ["a configuration"]
    there = ["config.json", "vocab.txt", "2_Dense/config.json", "2_Dense/model.safetensors"]
    assert [part.name for part in missing_parts(there)] == ["weights"]


def test_files_that_are_refused_when_a_model_is_loaded_are_named() -> None:
    (said,) = refused_files(["adapter_config.json", "adapter_model.safetensors", "tokenizer.json"])
    assert said.startswith("adapter_config.json says that an adapter is to be put into")
    (said,) = refused_files(["config.json", "model.safetensors", "tokenizer.model"])
    assert said.startswith("*.model is SentencePiece's or tiktoken's vocabulary; convert it with")
    assert (
        refused_files(["config.json", "model.safetensors", "tokenizer.model", "tokenizer.json"])
        == []
    )


def test_models_are_found_in_a_tree_and_their_own_folders_are_not_models() -> None:
    model = ["config.json", "model.safetensors", "vocab.txt"]
    assert model_folders(model) == [""]
    tree = [f"{folder}/{name}" for folder in ("p/a", "p/b", "p/b/0_Transformer") for name in model]
    assert model_folders([*tree, "p/__init__.py"]) == ["p/a", "p/b"]
    assert model_folders(["p/__init__.py"]) == []


def test_a_model_whose_transformer_has_a_folder_of_its_own_is_one_model() -> None:
    transformer = [f"p/0_Transformer/{name}" for name in ("config.json", "model.safetensors")]
    tree = [*transformer, "p/0_Transformer/vocab.txt", "p/modules.json", "p/1_Pooling/config.json"]
    assert model_folders(tree) == ["p"]
