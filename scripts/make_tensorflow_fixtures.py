"""Make tests/data/tiny-tensorflow: checkpoints and SavedModels that TensorFlow itself wrote.

Needs tensorflow and pyarrow (for snappy), neither of which the tests need:

    python scripts/make_tensorflow_fixtures.py

A BERT of awkward sizes is built as Google builds its own, with the same names of variables and
operations, trained for two steps, saved as run_classifier.py saves and exported as gobert exports.
expected.npz has what TensorFlow computes with each.

    python scripts/make_tensorflow_fixtures.py --model DIRECTORY

writes a BERT's weights with TensorFlow's Saver instead, reads them with Bertie, and compares all
bits and TensorFlow's hidden states; it needs Bertie too.
"""

import argparse
import json
import os
import shutil
import string
import struct
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import pyarrow
import tensorflow as tf

v1 = tf.compat.v1
v1.disable_eager_execution()
v1.disable_resource_variables()  # as in Google's time

DATA = Path(__file__).resolve().parent.parent / "tests" / "data" / "tiny-tensorflow"
SEED = 20181018
LENGTH = 10  # tokens of every sequence of an export with a fixed length


@dataclass(frozen=True)
class Config:
    """BERT's sizes, under the names of bert_config.json."""

    vocab_size: int = 61
    hidden_size: int = 12
    num_hidden_layers: int = 2
    num_attention_heads: int = 3
    intermediate_size: int = 20
    max_position_embeddings: int = 24
    type_vocab_size: int = 2
    hidden_act: str = "gelu"


@dataclass
class Inputs:
    """What a graph takes; lengths may be fixed."""

    ids: tf.Tensor
    mask: tf.Tensor
    types: tf.Tensor

    @classmethod
    def placeholders(cls, length: int | None) -> "Inputs":
        names = ("input_ids", "input_mask", "input_type_ids")
        return cls(*(v1.placeholder(tf.int32, (None, length), name) for name in names))

    def by_name(self) -> dict[str, tf.Tensor]:
        return {"input_ids": self.ids, "input_mask": self.mask, "input_type_ids": self.types}


@dataclass
class Bert:
    """A graph and the tensors of interest in it."""

    embedding: tf.Tensor
    layers: list[tf.Tensor]
    pooled: tf.Tensor
    words: tf.Tensor
    inputs: Inputs = field(repr=False)


def variable(name: str, shape: list[int]) -> tf.Tensor:
    return v1.get_variable(name, shape, initializer=v1.zeros_initializer())


def initialize(running: v1.Session) -> None:
    """Draw weights larger than a fresh model's, so that every layer changes its input visibly."""
    running.run(v1.global_variables_initializer())
    random = np.random.default_rng(SEED)
    for var in v1.trainable_variables():
        mean = float(var.op.name.endswith("gamma"))
        spread = 0.3 if len(var.shape) > 1 else 0.2
        var.load(random.normal(mean, spread, var.shape).astype(np.float32), running)


def gelu_erf(x: tf.Tensor) -> tf.Tensor:
    return x * 0.5 * (1.0 + tf.math.erf(x / np.sqrt(2.0)))


def gelu_tanh(x: tf.Tensor) -> tf.Tensor:
    return x * 0.5 * (1.0 + tf.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * tf.pow(x, 3))))


ACTIVATIONS: Mapping[str, Callable[[tf.Tensor], tf.Tensor]] = {
    "gelu": gelu_erf,
    "gelu_new": gelu_tanh,
    "relu": tf.nn.relu,
}


def dense(
    x: tf.Tensor,
    outputs: int,
    name: str,
    activation: Callable[[tf.Tensor], tf.Tensor] | None = None,
) -> tf.Tensor:
    with v1.variable_scope(name):
        kernel = variable("kernel", [x.shape[-1], outputs])
        bias = variable("bias", [outputs])
        y = tf.nn.bias_add(tf.matmul(x, kernel), bias)
        return activation(y) if activation else y


def layer_norm(x: tf.Tensor, epsilon: float = 1e-12) -> tf.Tensor:
    with v1.variable_scope("LayerNorm"):
        beta = variable("beta", [x.shape[-1]])
        gamma = variable("gamma", [x.shape[-1]])
        mean, variance = tf.nn.moments(x, [-1], keepdims=True)
        return tf.nn.batch_normalization(x, mean, variance, beta, gamma, epsilon)


def sizes(x: tf.Tensor) -> list[Any]:
    """Give the lengths of the axes: numbers where the graph knows them, else tensors."""
    dynamic = tf.shape(x)
    return [dynamic[i] if n is None else n for i, n in enumerate(x.shape.as_list())]


def attention(x: tf.Tensor, adder: tf.Tensor, batch: Any, length: Any, c: Config) -> tf.Tensor:
    heads, width = c.num_attention_heads, c.hidden_size // c.num_attention_heads

    def split(states: tf.Tensor) -> tf.Tensor:
        return tf.transpose(tf.reshape(states, [batch, length, heads, width]), [0, 2, 1, 3])

    query, key, value = (split(dense(x, c.hidden_size, n)) for n in ("query", "key", "value"))
    scores = tf.matmul(query, key, transpose_b=True) / np.sqrt(width) + adder
    context = tf.transpose(tf.matmul(tf.nn.softmax(scores), value), [0, 2, 1, 3])
    return tf.reshape(context, [batch * length, c.hidden_size])


def bert(c: Config, inputs: Inputs, epsilon: float = 1e-12) -> Bert:
    """Build the graph of an encoder with its pooler."""
    batch, length = sizes(inputs.ids)
    with v1.variable_scope("bert"):
        with v1.variable_scope("embeddings"):
            words = variable("word_embeddings", [c.vocab_size, c.hidden_size])
            types = variable("token_type_embeddings", [c.type_vocab_size, c.hidden_size])
            positions = variable("position_embeddings", [c.max_position_embeddings, c.hidden_size])
            x = tf.gather(words, inputs.ids) + tf.gather(types, inputs.types)
            embedding = layer_norm(x + positions[:length], epsilon)
        adder = (1.0 - tf.cast(inputs.mask[:, None, None, :], tf.float32)) * -10000.0
        x = tf.reshape(embedding, [-1, c.hidden_size])
        layers = []
        with v1.variable_scope("encoder"):
            for number in range(c.num_hidden_layers):
                with v1.variable_scope(f"layer_{number}"):
                    x = layer(x, adder, batch, length, c, epsilon)
                layers.append(tf.reshape(x, [batch, length, c.hidden_size]))
        with v1.variable_scope("pooler"):
            pooled = dense(layers[-1][:, 0], c.hidden_size, "dense", tf.tanh)
    return Bert(embedding, layers, pooled, words, inputs)


def layer(
    x: tf.Tensor, adder: tf.Tensor, batch: Any, length: Any, c: Config, epsilon: float
) -> tf.Tensor:
    """Build one layer."""
    with v1.variable_scope("attention"):
        with v1.variable_scope("self"):
            context = attention(x, adder, batch, length, c)
        with v1.variable_scope("output"):
            x = layer_norm(dense(context, c.hidden_size, "dense") + x, epsilon)
    with v1.variable_scope("intermediate"):
        wide = dense(x, c.intermediate_size, "dense", ACTIVATIONS[c.hidden_act])
    with v1.variable_scope("output"):
        return layer_norm(dense(wide, c.hidden_size, "dense") + x, epsilon)


def pretraining(model: Bert, c: Config) -> tuple[tf.Tensor, tf.Tensor]:
    """Add run_pretraining.py's heads: logits of every token, and of the next sentence."""
    with v1.variable_scope("cls/predictions"):
        with v1.variable_scope("transform"):
            x = tf.reshape(model.layers[-1], [-1, c.hidden_size])
            x = layer_norm(dense(x, c.hidden_size, "dense", ACTIVATIONS[c.hidden_act]))
        bias = variable("output_bias", [c.vocab_size])
        tokens = tf.matmul(x, model.words, transpose_b=True) + bias
    with v1.variable_scope("cls/seq_relationship"):
        weights = variable("output_weights", [2, c.hidden_size])
        following = tf.matmul(model.pooled, weights, transpose_b=True)
        following += variable("output_bias", [2])
    return tokens, following


def classifier(model: Bert, c: Config, labels: int) -> tf.Tensor:
    """Add run_classifier.py's head."""
    weights = variable("output_weights", [labels, c.hidden_size])
    return tf.matmul(model.pooled, weights, transpose_b=True) + variable("output_bias", [labels])


@contextmanager
def session() -> Iterator[v1.Session]:
    """Open a graph of its own, and a session that has two devices."""
    config = v1.ConfigProto(device_count={"CPU": 2}, inter_op_parallelism_threads=1)
    with tf.Graph().as_default() as graph, v1.Session(graph=graph, config=config) as running:
        yield running


def batch(c: Config, length: int) -> dict[str, np.ndarray]:
    """Make padded sequences with their masks and types."""
    random = np.random.default_rng(SEED)
    lengths = np.array([length, 3, 7, 1])
    mask = (np.arange(length) < lengths[:, None]).astype(np.int32)
    ids = random.integers(1, c.vocab_size, mask.shape).astype(np.int32) * mask
    types = (np.arange(length) >= lengths[:, None] // 2).astype(np.int32) * mask
    return {"ids": ids, "mask": mask, "types": types}


def feed(model: Bert, rows: Mapping[str, np.ndarray]) -> dict[tf.Tensor, np.ndarray]:
    return {getattr(model.inputs, name): values for name, values in rows.items()}


def make_release(directory: Path) -> dict[str, np.ndarray]:
    """Write what a Google release holds, its variables in two shards."""
    c = Config()
    directory.mkdir(parents=True)
    with session() as running:
        with v1.device(lambda op: f"/cpu:{'embeddings' not in op.name:d}"):
            model = bert(c, Inputs.placeholders(None))
            tokens, following = pretraining(model, c)
        initialize(running)
        saver = v1.train.Saver(sharded=True)
        saver.save(
            running, str(directory / "bert_model.ckpt"), write_meta_graph=False, write_state=False
        )
        rows = batch(c, 24)
        values = running.run(
            {
                "hidden": [model.embedding, *model.layers],
                "pooled": model.pooled,
                "tokens": tokens,
                "following": following,
            },
            feed(model, rows),
        )
    (directory / "bert_config.json").write_text(json.dumps(vars(c), indent=2) + "\n")
    write_vocab(directory / "vocab.txt", c)
    return {**rows, **values, "hidden": np.stack(values["hidden"])}


def write_vocab(path: Path, c: Config) -> None:
    """Write as many tokens as there are embeddings."""
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    letters = list(string.ascii_lowercase)
    pieces = ["##" + letter for letter in letters]
    tokens = [*special, *letters, *pieces, ".", "the", "river", "bank"]
    assert len(tokens) == c.vocab_size
    path.write_text("\n".join(tokens) + "\n", encoding="utf-8")


def make_classifier(directory: Path) -> dict[str, np.ndarray]:
    """Train as run_classifier.py does, and leave what it leaves."""
    c = Config()
    directory.mkdir(parents=True)
    with session() as running:
        model = bert(c, Inputs.placeholders(LENGTH))
        logits = classifier(model, c, labels=3)
        step = v1.train.get_or_create_global_step()
        labels = np.array([0, 1, 2, 1])
        loss = tf.reduce_mean(
            tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits)
        )
        train = v1.train.AdamOptimizer(0.01).minimize(loss, global_step=step)
        initialize(running)
        saver = v1.train.Saver()
        rows = batch(c, LENGTH)
        for _ in range(2):
            running.run(train, feed(model, rows))
        prefix = str(directory / "model.ckpt")
        saver.save(running, prefix, global_step=step, write_meta_graph=False)
        values = running.run({"hidden": model.layers[-1], "logits": logits}, feed(model, rows))
        state = directory / "checkpoint"
        state.write_text(state.read_text().replace(str(directory), "/tmp/trained/here"))
        # Without gradients, and so a tenth as large as Saver's.
        nodes = v1.graph_util.extract_sub_graph(running.graph.as_graph_def(), [logits.op.name])
        meta = v1.MetaGraphDef(graph_def=nodes)
        (directory / "model.ckpt-2.meta").write_bytes(meta.SerializeToString())
    return {**rows, **values}


def make_export(
    directory: Path, c: Config, tag: str, length: int | None, labels: int
) -> dict[str, np.ndarray]:
    """Export as gobert's scripts do: states before the last layer, or probabilities."""
    with session() as running:
        inputs = Inputs.placeholders(length)
        model = bert(c, inputs)
        if labels:
            name, method = "classifier", "bert/tuned/predict"
            outputs = {"probabilities": tf.nn.softmax(classifier(model, c, labels))}
        else:
            name, method = "embedding", "bert/pretrained/embedding"
            mask = tf.cast(inputs.mask, tf.float32)[:, :, None]
            outputs = {"embedding": tf.identity(model.layers[-2] * mask, "embedding")}
        info = v1.saved_model.utils.build_tensor_info
        signature = v1.saved_model.signature_def_utils.build_signature_def(
            {key: info(tensor) for key, tensor in inputs.by_name().items()},
            {key: info(tensor) for key, tensor in outputs.items()},
            method,
        )
        initialize(running)
        builder = v1.saved_model.builder.SavedModelBuilder(str(directory))
        builder.add_meta_graph_and_variables(
            running, [tag], {name: signature}, clear_devices=True, strip_default_attrs=True
        )
        builder.save()
        rows = batch(c, length or 24)
        values = running.run({"hidden": model.layers[-1], **outputs}, feed(model, rows))
    return {**rows, **values}


def pack_index(index: Path, packed: Path) -> None:
    """Write an index again with its blocks packed by snappy, as TensorFlow reads it, too.

    Source: LevelDB's doc/table_format.md.
    """
    data = index.read_bytes()

    def varint(position: int) -> tuple[int, int]:
        value = shift = 0
        while True:
            value |= (data[position] & 127) << shift
            shift += 7
            position += 1
            if data[position - 1] < 128:
                return value, position

    def block(offset: int, size: int) -> bytes:
        assert data[offset + size] == 0
        return data[offset : offset + size]

    position = len(data) - 48
    places = []
    for _ in range(4):
        value, position = varint(position)
        places.append(value)
    listing = block(*places[2:])
    assert int.from_bytes(listing[-4:], "little") == 1, "one data block"
    start = 3 + listing[1]  # the lengths of shared key, own key, value; and the key
    position = places[2] + start
    offset, position = varint(position)
    size, position = varint(position)
    out = bytearray()

    def write(content: bytes) -> bytes:
        body = pyarrow.compress(content, codec="snappy", asbytes=True) + b"\1"
        place = as_varint(len(out)) + as_varint(len(body) - 1)
        out.extend(body + struct.pack("<I", masked_crc(body)))
        return place

    place = write(block(offset, size))
    meta = write(block(*places[:2]))
    key = listing[3:start]
    entry = bytes([0, len(key), len(place)]) + key + place
    listed = write(entry + struct.pack("<II", 0, 1))
    out.extend((meta + listed).ljust(40, b"\0") + data[-8:])
    packed.write_bytes(out)


def as_varint(value: int) -> bytes:
    """Write a number seven bits a byte."""
    out = bytearray()
    while value >= 128:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes([*out, value])


def masked_crc(data: bytes) -> int:
    """Compute a masked CRC-32C, bit by bit."""
    value = 0xFFFFFFFF
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = value >> 1 ^ 0x82F63B78 * (value & 1)
    value ^= 0xFFFFFFFF
    return ((value >> 15 | value << 17) + 0xA282EAD8) & 0xFFFFFFFF


def make_packed(release: Path, directory: Path) -> None:
    """Write the release with a packed index, and see that TensorFlow reads the same from it."""
    shutil.copytree(release, directory)
    pack_index(release / "bert_model.ckpt.index", directory / "bert_model.ckpt.index")
    plain, packed = (
        v1.train.load_checkpoint(str(d / "bert_model.ckpt")) for d in (release, directory)
    )
    for name in plain.get_variable_to_shape_map():
        assert np.array_equal(plain.get_tensor(name), packed.get_tensor(name)), name


def make_all() -> None:
    """Replace the fixtures."""
    shutil.rmtree(DATA, ignore_errors=True)
    outputs = {
        "release": make_release(DATA / "release"),
        "classifier": make_classifier(DATA / "classifier"),
        "embedding": make_export(DATA / "embedding", Config(), "bert-pretrained", None, labels=0),
        "tuned": make_export(
            DATA / "tuned",
            Config(num_hidden_layers=1, hidden_act="gelu_new"),
            "bert-tuned",
            LENGTH,
            labels=3,
        ),
    }
    write_vocab(DATA / "embedding" / "vocab.txt", Config())
    with tempfile.TemporaryDirectory() as scratch:
        make_packed(DATA / "release", Path(scratch) / "packed")
        shutil.copy(Path(scratch) / "packed" / "bert_model.ckpt.index", DATA / "snappy.index")
    np.savez_compressed(
        DATA / "expected.npz",
        **{f"{model}_{key}": array for model, d in outputs.items() for key, array in d.items()},
    )


def compare(directory: Path) -> None:
    """Write a model's weights with TensorFlow's Saver and read them back with Bertie."""
    from bertie.checkpoint.directory import Checkpoint
    from bertie.checkpoint.shapes import encoder_tensors
    from bertie.engine.encoder import Encoder

    original = Checkpoint.open(directory)
    tensors = {name: tensor.float32() for name, tensor in encoder_tensors(original).items()}
    c = Config(**{name: getattr(original.config, name) for name in Config.__dataclass_fields__})
    epsilon = original.config.layer_norm_eps
    with session() as running, tempfile.TemporaryDirectory() as scratch:
        inputs = Inputs.placeholders(None)
        model = bert(c, inputs, epsilon)
        initialize(running)
        for var in v1.global_variables():
            value = tensors.get(transformers_name(var.op.name))
            if value is not None:
                kernel = var.op.name.endswith("/kernel")
                var.load(value.T if kernel else value, running)
        v1.train.Saver().save(running, f"{scratch}/bert_model.ckpt", write_state=False)
        config = {**vars(c), "layer_norm_eps": epsilon}
        (Path(scratch) / "bert_config.json").write_text(json.dumps(config))
        read = encoder_tensors(Checkpoint.open(Path(scratch)))
        for name, value in tensors.items():
            assert np.array_equal(read[name].float32(), value), name
        print(f"{len(tensors)} tensors are the same, bit for bit")
        rows = batch(c, 128)
        hidden = running.run(model.layers[-1], feed(model, rows))
        keep = rows["mask"].astype(bool)
        core = Encoder(original.config, read)
        got = core.forward(
            rows["ids"][keep], rows["types"][keep], rows["mask"].sum(1, dtype=np.int32)
        )
        print(f"largest difference of hidden states: {np.abs(got - hidden[keep]).max():.2e}")
        assert np.allclose(got, hidden[keep], rtol=0, atol=1e-4)


def transformers_name(name: str) -> str:
    """Give Bertie's canonical name of a variable, written down anew."""
    for old, new in (
        ("bert/", ""),
        ("layer_", "layer/"),
        ("kernel", "weight"),
        ("gamma", "weight"),
        ("beta", "bias"),
    ):
        name = name.replace(old, new)
    name += "/weight" if name.endswith("_embeddings") else ""
    return name.replace("/", ".")


def main() -> None:
    """Make the fixtures, or compare with a model."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, help="a BERT's directory, in Hugging Face's layout")
    given = parser.parse_args().model
    if given:
        compare(given)
    else:
        make_all()


if __name__ == "__main__":
    main()
