"""Texts become vectors: those of sentence-transformers, whatever else is in the call."""

import os
import pickle
import threading
import warnings
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import bertie
from bertie.errors import InputError, TruncationWarning
from bertie.tasks.embed import Embedder
from tests.editing import edit_json
from tests.timeouts import TIMEOUT

DATA = Path(__file__).parents[1] / "data"
EXPECTED = np.load(DATA / "tiny-sentence/expected.npz")
TEXTS = [str(text) for text in EXPECTED["texts"]]
SHORT = [text for text in TEXTS if len(text) < 60]

# float32 against sentence-transformers' float32.
TOLERANCE = 1e-5


@pytest.fixture(scope="module")
def model() -> Embedder:
    """The tiny sentence-transformers model."""
    return bertie.load(DATA / "tiny-sentence", precision="float32")


@pytest.mark.filterwarnings("ignore::bertie.errors.TruncationWarning")
@pytest.mark.parametrize(("prompt_name", "key"), [(None, "embeddings"), ("query", "queries")])
def test_vectors_are_those_of_sentence_transformers(
    model: Embedder, prompt_name: str | None, key: str
) -> None:
    vectors = model.embed(TEXTS, prompt_name=prompt_name)
    assert vectors.dtype == np.float32
    assert np.abs(vectors - EXPECTED[key]).max() < TOLERANCE
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)


@pytest.mark.parametrize("pooling", ["mean", "cls", "max"])
def test_each_pooling_reduces_the_last_hidden_states_of_transformers(pooling: str) -> None:
    expected = np.load(DATA / "tiny-bert/expected.npz")
    model = bertie.load(DATA / "tiny-bert", pooling=pooling, precision="float32")
    reduce = {"mean": np.mean, "max": np.max, "cls": lambda states, axis: states[0]}[pooling]
    ends = np.cumsum(expected["lengths"])
    for text, pair, end, length in zip(
        expected["texts"], expected["pairs"], ends, expected["lengths"], strict=True
    ):
        if not pair and length < 64:
            states = expected["hidden"][-1, end - length : end]
            found = model.embed(str(text))
            # 1e-4 is what float32 hidden states may differ by.
            assert np.abs(found - reduce(states, axis=0)).max() < 1e-4


def test_one_text_gives_one_vector_and_a_list_gives_rows(model: Embedder) -> None:
    assert model.embed("the river").shape == (model.dimensions,) == (10,)
    assert model.embed(["the river"]).shape == (1, 10)
    assert model.embed([]).shape == (0, 10)
    assert model.embed(text for text in SHORT).shape == (len(SHORT), 10)
    assert model.embed([]).dtype == model.embed("x").dtype == np.float32


def test_empty_and_blank_texts_are_the_models_answer_for_no_words(model: Embedder) -> None:
    empty, blank, tabs = model.embed(["", "   ", "\t\n"])
    assert np.array_equal(empty, blank)
    assert np.array_equal(empty, tabs)
    assert np.abs(empty - EXPECTED["embeddings"][TEXTS.index("")]).max() < TOLERANCE


def test_a_prompt_is_a_text_put_before(model: Embedder) -> None:
    expected = model.embed("what is the river", prompt="")
    assert np.array_equal(model.embed("the river", prompt_name="query"), expected)
    assert np.array_equal(model.embed("the river", prompt="what is "), expected)
    assert not np.array_equal(model.embed("the river"), expected)


def test_the_default_prompt_applies_unless_the_call_says_otherwise() -> None:
    model = bertie.load(DATA / "tiny-sentence", prompts={"document": "the ", "other": "x"})
    plain = bertie.load(DATA / "tiny-sentence", prompts={})
    assert np.array_equal(model.embed("river"), plain.embed("the river"))
    assert np.array_equal(model.embed("river", prompt=""), plain.embed("river"))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"prompt_name": "passage"}, "prompt_name is 'passage', but .* are: document, query"),
        (
            {"prompt_name": "query", "prompt": "x"},
            "prompt, prompt_name and kind: several are given",
        ),
        ({"prompt": 3}, "text 0 is int 3"),
        ({"truncate": "middle"}, "truncate is 'middle', expected right, left, error"),
    ],
)
def test_options_that_cannot_be_are_refused(
    model: Embedder, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        model.embed(["a"], **options)
    with pytest.raises(InputError, match=message):
        model.embed_stream(["a"], **options)


def test_normalization_can_be_asked_for_in_one_call(model: Embedder) -> None:
    raw = model.embed(SHORT, normalize=False)
    assert not np.allclose(np.linalg.norm(raw, axis=1), 1, atol=1e-3)
    scaled = raw / np.linalg.norm(raw, axis=1, keepdims=True)
    assert np.allclose(scaled, model.embed(SHORT), atol=1e-6)


@pytest.mark.parametrize("texts", [["a", None], ["a", 3], ["a", b"b"], ["a", "\ud800"]])
def test_a_bad_text_is_named_and_nothing_is_computed(
    model: Embedder, texts: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(model.encoder, "forward", lambda *packed: pytest.fail("it computed"))
    with pytest.raises(InputError, match=r"^text 1 is "):
        model.embed(texts)
    with pytest.raises(InputError, match=r"^text 1 is "):
        model.embed(texts, prompt_name="query")


LONG = "wind " * 40
# [CLS] and [SEP] leave 30 of the model's 32 tokens.
KEPT = "wind " * 30


@pytest.mark.parametrize("truncate", ["right", "left"])
def test_long_texts_are_cut_with_one_warning(model: Embedder, truncate: str) -> None:
    first, last = "rain " + LONG, LONG + "rain"
    match = "2 of 3 texts had more than the 32 tokens that the model reads: 22 tokens were left out"
    with pytest.warns(TruncationWarning, match=match) as caught:
        vectors = model.embed([first, "short", last], truncate=truncate)
    assert len(caught) == 1
    assert caught[0].filename == __file__
    kept = ["rain " + "wind " * 29, KEPT] if truncate == "right" else [KEPT, "wind " * 29 + "rain"]
    assert np.array_equal(vectors[[0, 2]], model.embed(kept))


def test_long_texts_may_be_an_error(model: Embedder) -> None:
    match = "text 1 is 42 tokens long, as are 1 after it; expected at most 32"
    with pytest.raises(InputError, match=match):
        model.embed(["short", LONG, LONG], truncate="error")
    assert model.embed([KEPT], truncate="error").shape == (1, 10)


def test_a_stream_gives_what_a_list_gives(model: Embedder) -> None:
    texts = SHORT * 300
    streamed = list(model.embed_stream(iter(texts)))
    assert np.array_equal(np.stack(streamed), model.embed(texts))
    assert all(vector.base is None for vector in streamed)
    assert list(model.embed_stream([])) == []


def test_a_stream_reads_only_so_far_ahead(model: Embedder) -> None:
    read = 0

    def endless() -> Iterator[str]:
        nonlocal read
        while True:
            read += 1
            yield "the river"

    stream = model.embed_stream(endless())
    assert read == 0
    next(stream)
    assert read <= 1024
    stream.close()


def test_a_stream_of_huge_texts_is_cut_by_their_characters(model: Embedder) -> None:
    read = 0

    def huge() -> Iterator[str]:
        nonlocal read
        for _ in range(5):
            read += 1
            yield "x" * 2**20

    stream = model.embed_stream(huge())
    next(stream)
    assert read == 2
    with pytest.raises(RuntimeError, match="done"):
        stream.throw(RuntimeError("done"))


def test_a_stream_warns_once_at_its_end(model: Embedder) -> None:
    match = "2001 of 2001 texts had more than the 32 tokens"
    with pytest.warns(TruncationWarning, match=match) as caught:
        list(model.embed_stream([LONG] * 2001))
    assert len(caught) == 1
    stream = model.embed_stream([LONG] * 3)
    next(stream)
    with pytest.warns(TruncationWarning, match="3 of 3 texts"):
        stream.close()


def test_a_bad_text_in_a_stream_is_named_by_its_place_in_the_stream(model: Embedder) -> None:
    texts = [*["the river"] * 1500, None]
    stream = model.embed_stream(texts)
    assert sum(1 for _ in zip(range(1024), stream, strict=False)) == 1024
    with pytest.raises(InputError, match=r"^text 1500 is None"):
        next(stream)
    with pytest.raises(InputError, match=r"^text 1499 is 42 tokens long"):
        list(model.embed_stream(["a"] * 1499 + [LONG], truncate="error"))


@pytest.mark.parametrize("texts", ["one text", b"bytes", 3, None, {"a": 1}])
def test_a_stream_must_be_of_texts(model: Embedder, texts: Any) -> None:
    with pytest.raises(InputError, match=r"texts is of type \w+, expected an iterable of texts"):
        model.embed_stream(texts)


@cache
def models() -> list[Embedder]:
    """Load the same model with different threads and budgets."""
    return [
        bertie.load(DATA / "tiny-sentence", threads=threads, budget=budget)
        for threads, budget in [(1, 1), (1, 8192), (2, 50), (3, 7)]
    ]


texts_of_any_length = st.lists(
    st.text("abc de水é.", max_size=40) | st.sampled_from(TEXTS), min_size=1, max_size=12
)


@given(texts=texts_of_any_length, data=st.data())
def test_a_vector_is_the_same_bits_in_any_company_order_and_number_of_threads(
    texts: list[str], data: st.DataObject
) -> None:
    order = data.draw(st.permutations(range(len(texts))))
    with warnings.catch_warnings(action="ignore", category=TruncationWarning):
        alone = np.stack([models()[0].embed(text) for text in texts])
        for model in models():
            together = model.embed([texts[i] for i in order])
            assert np.array_equal(together, alone[list(order)])
            streamed = np.stack(list(model.embed_stream(texts)))
            assert np.array_equal(streamed, alone)


def test_a_copy_by_pickle_embeds_the_same(model: Embedder) -> None:
    options = {"normalize": False, "max_length": 20, "precision": "bfloat16"}
    model = bertie.load(DATA / "tiny-sentence", **options)
    pickled = pickle.dumps(model)
    assert len(pickled) < 1000
    copy = pickle.loads(pickled)  # noqa: S301
    assert np.array_equal(copy.embed(SHORT), model.embed(SHORT))
    assert copy.info() == model.info()
    assert copy.fingerprint == model.fingerprint


def test_a_relative_source_pickles_as_an_absolute_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(DATA)
    pickled = pickle.dumps(bertie.load("tiny-sentence"))
    monkeypatch.chdir("/")
    assert pickle.loads(pickled).dimensions == 10  # noqa: S301


def test_threads_may_share_a_model(model: Embedder) -> None:
    expected = model.embed(SHORT)
    results: list[bool] = []

    def work() -> None:
        for _ in range(20):
            results.append(np.array_equal(model.embed(SHORT), expected))

    workers = [threading.Thread(target=work) for _ in range(6)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(timeout=TIMEOUT)
    assert results == [True] * 120


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_process_may_go_on_with_the_model() -> None:
    model = bertie.load(DATA / "tiny-sentence", threads=2)
    expected = model.embed(SHORT)
    child = os.fork()
    if child == 0:
        os._exit(0 if np.array_equal(model.embed(SHORT), expected) else 1)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    assert np.array_equal(model.embed(SHORT), expected)


def test_a_stream_warns_whoever_reads_it_to_the_end(model: Embedder) -> None:
    with pytest.warns(TruncationWarning) as caught:
        list(model.embed_stream(["wind " * 200]))
    assert caught[0].filename == __file__


def test_a_long_text_is_the_mean_of_its_windows_by_their_tokens(model: Embedder) -> None:
    words = ("wind and rain by the old bridge of stone " * 30).split()
    long, short = " ".join(words), "the river"
    together = model.embed([short, long, short], truncate="window", normalize=False)
    assert np.array_equal(together[0], model.embed(short, normalize=False))
    assert np.array_equal(together[2], together[0])
    assert np.array_equal(together[1], model.embed(long, truncate="window", normalize=False))
    assert not np.allclose(together[1], cut(model, long), atol=1e-3)


def cut(model: Embedder, text: str) -> np.ndarray:
    """Embed a text of which only the beginning is read."""
    with pytest.warns(TruncationWarning):
        return model.embed(text, normalize=False)


def test_words_are_embedded_as_the_text_that_they_make(model: Embedder) -> None:
    text = "the old bridge of stone"
    words = text.split()
    assert np.array_equal(model.embed(words, split_words=True), model.embed(text))
    assert np.array_equal(model.embed([words], split_words=True), model.embed([text]))


def states(text: str) -> np.ndarray:
    """What transformers has for a text: (layers + 1, tokens, hidden)."""
    expected = np.load(DATA / "tiny-bert/expected.npz")
    ends = np.cumsum(expected["lengths"])
    number = [(str(t), str(p)) for t, p in zip(expected["texts"], expected["pairs"], strict=True)]
    place = number.index((text, ""))
    found: np.ndarray = expected["hidden"][
        :, ends[place] - expected["lengths"][place] : ends[place]
    ]
    return found


TEXT = "Who reads the new book at night?"


def test_any_layers_can_be_pooled_and_are_concatenated() -> None:
    hidden = states(TEXT)
    for layers in ([-2], [1, -1], [0, 3]):
        model = bertie.load(DATA / "tiny-bert", layers=layers, precision="float32")
        expected = np.concatenate([hidden[layer].mean(axis=0) for layer in layers])
        assert model.dimensions == len(expected) == 24 * len(layers)
        assert np.abs(model.embed(TEXT) - expected).max() < 1e-4
    both = bertie.load(
        DATA / "tiny-bert", layers=[1, 2], pooling=["cls", "mean"], precision="float32"
    )
    expected = np.concatenate([hidden[n][0] if c else hidden[n].mean(axis=0)
                               for n in (1, 2) for c in (True, False)])  # fmt: skip
    assert np.abs(both.embed(TEXT) - expected).max() < 1e-4


def test_the_first_and_the_last_layer_are_averaged() -> None:
    hidden = states(TEXT)
    model = bertie.load(DATA / "tiny-bert", pooling="first_last", precision="float32")
    expected = (hidden[1].mean(axis=0) + hidden[-1].mean(axis=0)) / 2
    assert model.dimensions == 24
    assert np.abs(model.embed(TEXT) - expected).max() < 1e-4


@pytest.mark.parametrize(
    ("pooling", "reduce"),
    [
        ("mean_max", lambda x: np.concatenate([x.mean(axis=0), x.max(axis=0)])),
        ("mean_sqrt_len", lambda x: x.sum(axis=0) / np.sqrt(len(x))),
        ("weighted_mean", lambda x: np.average(x, axis=0, weights=np.arange(1, len(x) + 1))),
        ("last_token", lambda x: x[-1]),
        ("sep", lambda x: x[-1]),
    ],
)
def test_other_poolings_reduce_hidden_states_by_their_definitions(
    pooling: str, reduce: Any
) -> None:
    model = bertie.load(DATA / "tiny-bert", pooling=pooling, precision="float32")
    assert np.abs(model.embed(TEXT) - reduce(states(TEXT)[-1])).max() < 1e-4


def test_the_beginning_of_a_vector_has_length_1_again(model: Embedder) -> None:
    short = bertie.load(DATA / "tiny-sentence", precision="float32", dimensions=4)
    assert short.dimensions == 4
    expected = model.embed(SHORT)[:, :4]
    expected = expected / np.linalg.norm(expected, axis=1, keepdims=True)
    assert np.abs(short.embed(SHORT) - expected).max() < 1e-6
    assert short.fingerprint != model.fingerprint
    for wrong in (0, 11, 2.5):
        with pytest.raises(InputError, match=r"dimensions is .*, expected 1 to 10"):
            bertie.load(DATA / "tiny-sentence", dimensions=wrong)


def test_a_prompt_may_be_left_out_of_the_pooling(sentence: Path) -> None:
    edit_json(sentence / "1_Pooling/config.json", include_prompt=False, pooling_mode="mean")
    edit_json(sentence / "1_Pooling/config.json", word_embedding_dimension=None)
    (sentence / "modules.json").write_text(
        '[{"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"},'
        ' {"idx": 1, "name": "1", "path": "1_Pooling",'
        ' "type": "sentence_transformers.models.Pooling"}]'
    )
    model = bertie.load(sentence, precision="float32", task="embed")
    prompt = model.info().settings["prompts"].value["query"]
    hidden = model.embed_tokens(prompt + "the river")
    skipped = len(model.tokenizer.encode(prompt).ids) - 1
    expected = hidden.vectors[skipped:].mean(axis=0)
    assert np.abs(model.embed("the river", prompt_name="query") - expected).max() < 1e-5
    assert np.array_equal(model.embed("the river", prompt=""), model.embed("the river"))
    with pytest.raises(InputError, match="leaves its prompt out of the pooling"):
        model.embed("the river", prompt_name="query", truncate="window")


def test_a_kind_takes_its_prompt(model: Embedder) -> None:
    assert np.array_equal(model.embed(SHORT, kind="query"), model.embed(SHORT, prompt_name="query"))
    assert np.array_equal(model.embed(SHORT, kind="document"), model.embed(SHORT))
    for options in ({"kind": "song"}, {"kind": "query", "prompt": "x"}):
        with pytest.raises(InputError, match="kind"):
            model.embed(SHORT, **options)


def test_vectors_come_in_fewer_bytes(model: Embedder) -> None:
    ranges = model.ranges(SHORT)
    assert ranges.shape == (2, 10)
    vectors = model.embed(SHORT, output="uint8", ranges=ranges)
    assert vectors.dtype == np.uint8
    stored = bertie.load(DATA / "tiny-sentence", precision="float32", ranges=ranges)
    assert np.array_equal(stored.embed(SHORT, output="uint8"), vectors)
    assert [v.tolist() for v in stored.embed_stream(SHORT, output="uint8")] == vectors.tolist()
    assert stored.embed(SHORT[0], output="float16").dtype == np.float16
    with pytest.raises(InputError, match="output is int8, which needs the range"):
        model.embed(SHORT, output="int8")
    with pytest.raises(InputError, match="texts are 0, expected some in which every dimension"):
        model.ranges([])


def test_tokens_keep_their_vectors_and_places() -> None:
    model = bertie.load(DATA / "tiny-bert", precision="float32")
    hidden = states(TEXT)[-1]
    found = model.embed_tokens([TEXT, ""])
    assert np.abs(found[0].vectors - hidden).max() < 1e-4
    encoded = model.tokenizer.encode(TEXT)
    assert (found[0].tokens, found[0].offsets) == (encoded.tokens, encoded.offsets)
    assert found[1].tokens == ["[CLS]", "[SEP]"]
    assert model.embed_tokens([]) == []
    alone = model.embed_tokens(TEXT)
    assert np.array_equal(alone.vectors, found[0].vectors)
    assert alone.to_dict()["vectors"] == alone.vectors.tolist()
    with pytest.raises(InputError, match="tokens aren't pooled: expected right, left"):
        model.embed_tokens(TEXT, truncate="window")


def test_vectors_are_compared_as_the_model_was_trained_to(sentence: Path) -> None:
    edit_json(sentence / "config_sentence_transformers.json", similarity_fn_name="manhattan")
    model = bertie.load(sentence)
    vectors = model.embed(SHORT)
    found = model.similarity(vectors, vectors)
    assert found[0, 1] == pytest.approx(-np.abs(vectors[0] - vectors[1]).sum(), abs=1e-5)
    assert model.pairwise(vectors, vectors).tolist() == [0] * len(SHORT)
