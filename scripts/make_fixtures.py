"""Make tests/data: a tiny random BERT, saved and run by transformers and sentence-transformers.

Needs torch, transformers and sentence-transformers, none of which the tests need:

    python scripts/make_fixtures.py

The sizes are awkward on purpose (nothing is a multiple of 16, the vocabulary is odd), and the
weights are larger than a fresh model's, so that every layer changes its input visibly.
"""

import json
import shutil
import string
from pathlib import Path

import numpy as np
import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer import modules
from tokenizers import BertWordPieceTokenizer
from transformers import BertConfig, BertModel, BertTokenizerFast

DATA = Path(__file__).resolve().parent.parent / "tests" / "data"

WORDS = """
the a an of and to in is it was not with for on at by from this that what how who
river bank water stone bridge boat fish old new small great red green blue city house road
rain wind sun night day year time light snow cold warm wine bread salt tea book page word
reads writes runs walks swims sleeps grows falls opens closes sing song child woman man dog cat
north south east west seven three two one play work learn think know see hear
"""

PIECES = "##s ##ed ##ing ##er ##est ##ly ##ness ##able ##ful ##less ##ship ##land ##house"

# (text, pair): short, long, accented, unknown script, punctuation, nothing at all, pairs.
TEXTS: list[tuple[str, str]] = [
    ("The old bridge of stone.", ""),
    ("the river", ""),
    ("Who reads the new book at night?", ""),
    ("CAFÉ naïveté, rain & snow!", ""),
    ("水 and 河: ☃", ""),
    ("", ""),
    ("x", ""),
    ("boats, fishing, singer, greatness, wonderful friendship, 1984 + 7 = 1991", ""),
    ("wind " * 70 + "and rain", ""),
    ("Who sleeps?", "The cat sleeps in the small house by the river."),
    ("a song of the sea", "not a word"),
    ("cold", ""),
]


def vocabulary() -> list[str]:
    """List an odd number of tokens: BERT's special ones, characters, words and pieces."""
    special = ["[PAD]", "[unused0]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    letters = list(string.ascii_lowercase)
    characters = list(string.digits) + letters + list("!&+,.:=?'-") + ["水"]
    listed = (
        special
        + characters
        + ["##" + letter for letter in letters]
        + WORDS.split()
        + PIECES.split()
    )
    tokens = list(dict.fromkeys(listed))
    return tokens if len(tokens) % 2 else [*tokens, "##wards"]


def tokenizer(directory: Path) -> BertTokenizerFast:
    """Write vocab.txt, tokenizer.json and their settings, and load them as transformers does."""
    directory.mkdir(parents=True)
    vocab = directory / "vocab.txt"
    vocab.write_text("\n".join(vocabulary()) + "\n", encoding="utf-8")
    BertWordPieceTokenizer(str(vocab), lowercase=True).save(str(directory / "tokenizer.json"))
    settings = {
        "tokenizer_class": "BertTokenizer",
        "do_lower_case": True,
        "strip_accents": None,
        "tokenize_chinese_chars": True,
        "model_max_length": 64,
    }
    for name in ("unk", "sep", "pad", "cls", "mask"):
        settings[f"{name}_token"] = f"[{name.upper()}]"
    (directory / "tokenizer_config.json").write_text(json.dumps(settings, indent=2) + "\n")
    return BertTokenizerFast.from_pretrained(directory)


def random_model(config: BertConfig) -> BertModel:
    """Build a BERT whose weights, biases and layer norms are all far from their starting values."""
    torch.manual_seed(20190524)
    model = BertModel(config, add_pooling_layer=True).eval()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name.endswith("LayerNorm.weight"):
                parameter.normal_(1.0, 0.2)
            elif name.endswith("bias"):
                parameter.normal_(0.0, 0.2)
            else:
                parameter.normal_(0.0, 0.3)
    return model


@torch.no_grad()
def expected(model: BertModel, words: BertTokenizerFast) -> dict[str, np.ndarray]:
    """Run every text alone, so that no padding takes part, and pack the outputs."""
    ids, type_ids, lengths, hidden, pooled = [], [], [], [], []
    for text, pair in TEXTS:
        encoded = words(text, pair or None, return_tensors="pt", truncation=True, max_length=64)
        output = model(**encoded, output_hidden_states=True)
        ids.append(encoded["input_ids"][0].numpy())
        type_ids.append(encoded["token_type_ids"][0].numpy())
        lengths.append(len(ids[-1]))
        hidden.append(torch.stack(output.hidden_states)[:, 0].numpy())
        pooled.append(output.pooler_output[0].numpy())
    return {
        "texts": np.array([text for text, _ in TEXTS]),
        "pairs": np.array([pair for _, pair in TEXTS]),
        "ids": np.concatenate(ids).astype(np.int32),
        "type_ids": np.concatenate(type_ids).astype(np.int32),
        "lengths": np.array(lengths, np.int32),
        "hidden": np.concatenate(hidden, axis=1),
        "pooler": np.stack(pooled),
    }


def make_bert(directory: Path) -> None:
    """Write the Hugging Face layout with the outputs of three activations."""
    words = tokenizer(directory)
    config = BertConfig(
        vocab_size=len(vocabulary()),
        hidden_size=24,
        num_hidden_layers=3,
        num_attention_heads=3,
        intermediate_size=40,
        max_position_embeddings=64,
        attn_implementation="eager",
        architectures=["BertModel"],
    )
    model = random_model(config)
    model.save_pretrained(directory)
    outputs = expected(model, words)
    for activation in ("gelu_new", "relu"):
        config.hidden_act = activation
        other = BertModel(config).eval()
        other.load_state_dict(model.state_dict())
        outputs[f"hidden_{activation}"] = expected(other, words)["hidden"][-1]
    np.savez_compressed(directory / "expected.npz", **outputs)


def make_sentence(directory: Path, bert: Path) -> None:
    """Write the sentence-transformers layout: two poolings, a dense layer, prompts."""
    transformer = modules.Transformer(str(bert), max_seq_length=32)
    pooling = modules.Pooling(transformer.get_embedding_dimension(), pooling_mode=("cls", "mean"))
    torch.manual_seed(7)
    width = pooling.get_embedding_dimension()
    dense = modules.Dense(width, 10, activation_function=torch.nn.Tanh())
    model = SentenceTransformer(
        modules=[transformer, pooling, dense, modules.Normalize()],
        prompts={"query": "what is ", "document": ""},
        default_prompt_name="document",
        device="cpu",
    )
    model.save_pretrained(str(directory), create_model_card=False)
    texts = [text for text, pair in TEXTS if not pair]
    np.savez_compressed(
        directory / "expected.npz",
        texts=np.array(texts),
        embeddings=np.stack([model.encode(text) for text in texts]),
        queries=np.stack([model.encode(text, prompt_name="query") for text in texts]),
    )


def main() -> None:
    """Replace both fixture directories."""
    for name in ("tiny-bert", "tiny-sentence"):
        shutil.rmtree(DATA / name, ignore_errors=True)
    make_bert(DATA / "tiny-bert")
    make_sentence(DATA / "tiny-sentence", DATA / "tiny-bert")


if __name__ == "__main__":
    main()
