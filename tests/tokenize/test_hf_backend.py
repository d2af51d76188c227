"""Tokenizers that are not BERT's, behind the same interface: Unigram, BPE, odd WordPiece."""

import json
import pickle
from pathlib import Path

import pytest

from bertie.errors import InputError, TokenizerError
from bertie.tokenize import Tokenizer
from bertie.tokenize.definition import HfDefinition, TemplatePiece
from tests.tokenize.cases import edited, family, write

tokenizers = pytest.importorskip("tokenizers")

TEXTS = ["Hello world, hello there!", "Ünïcode  café 中国 \U0001f600", "the cat sat on the mat"]


@pytest.fixture(scope="module")
def unigram(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Unigram model in the manner of XLM-RoBERTa, with truncation and padding baked in."""
    folder = tmp_path_factory.mktemp("unigram")
    model = tokenizers.Tokenizer(tokenizers.models.Unigram())
    model.normalizer = tokenizers.normalizers.NFKC()
    model.pre_tokenizer = tokenizers.pre_tokenizers.Metaspace()
    model.decoder = tokenizers.decoders.Metaspace()
    special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    trainer = tokenizers.trainers.UnigramTrainer(
        vocab_size=90, special_tokens=special, unk_token="<unk>", show_progress=False
    )
    model.train_from_iterator(TEXTS * 5, trainer)
    model.post_processor = tokenizers.processors.TemplateProcessing(
        single="<s> $A </s>",
        pair="<s> $A </s> </s> $B </s>",
        special_tokens=[("<s>", 0), ("</s>", 2)],
    )
    model.enable_truncation(4)
    model.enable_padding(length=32)
    model.save(str(folder / "tokenizer.json"))
    (folder / "tokenizer_config.json").write_text('{"cls_token": "<s>", "model_max_length": 512}')
    return folder


@pytest.fixture
def oracle(unigram: Path) -> object:
    """The package's own tokenizer of the same file, without truncation and padding."""
    model = tokenizers.Tokenizer.from_file(str(unigram / "tokenizer.json"))
    model.no_truncation()
    model.no_padding()
    return model


def test_a_unigram_model_is_tokenized_in_full(unigram: Path, oracle: object) -> None:
    tokenizer = Tokenizer.load(unigram)
    for text in [*TEXTS, ""]:
        ours, theirs = tokenizer.encode(text), oracle.encode(text)
        assert (ours.ids, ours.tokens, ours.offsets) == (theirs.ids, theirs.tokens, theirs.offsets)
        assert ours.special_mask == theirs.special_tokens_mask
        assert tokenizer.decode(ours.ids) == oracle.decode(theirs.ids)
    assert tokenizer.settings["max_length"].value == 512
    assert "the tokenizers package runs it" in tokenizer.notes[0]


def test_batches_pairs_and_truncation_are_the_package_s(unigram: Path, oracle: object) -> None:
    tokenizer = Tokenizer.load(unigram)
    packed = tokenizer.encode_batch(TEXTS, TEXTS[::-1], max_length=9)
    lengths = [len(oracle.encode(a, b).ids) for a, b in zip(TEXTS, TEXTS[::-1], strict=True)]
    oracle.enable_truncation(9)
    expected = [oracle.encode(a, b).ids for a, b in zip(TEXTS, TEXTS[::-1], strict=True)]
    assert packed.ids.tolist() == [id for ids in expected for id in ids]
    assert packed.lengths.tolist() == [9, 9, 9]
    assert packed.truncated.tolist() == [n - 9 for n in lengths]


def test_windows_are_the_package_s(unigram: Path, oracle: object) -> None:
    oracle.enable_truncation(6, stride=2)
    theirs = oracle.encode(TEXTS[0])
    ours = Tokenizer.load(unigram).windows(TEXTS[0], max_length=6, stride=2)
    assert [w.ids for w in ours] == [theirs.ids, *(w.ids for w in theirs.overflowing)]


def test_many_texts_in_windows_are_the_package_s(unigram: Path, oracle: object) -> None:
    oracle.enable_truncation(12, stride=2, strategy="only_second")
    theirs = [[e, *e.overflowing] for e in (oracle.encode("the cat", text) for text in TEXTS)]
    windows = [window for some in theirs for window in some]
    ours = Tokenizer.load(unigram).encode_windows(
        ["the cat"] * 3, TEXTS, max_length=12, stride=2, strategy="only_second"
    )
    assert ours.ids.tolist() == [id for w in windows for id in w.ids]
    assert ours.type_ids.tolist() == [id for w in windows for id in w.type_ids]
    assert ours.lengths.tolist() == [len(w.ids) for w in windows]
    assert ours.texts.tolist() == [i for i, some in enumerate(theirs) for _ in some]
    assert [tuple(pair) for pair in ours.offsets] == [pair for w in windows for pair in w.offsets]
    assert ours.special_mask.tolist() == [bool(m) for w in windows for m in w.special_tokens_mask]
    sequences = [value for w in windows for value in w.sequence_ids]
    assert ours.sequences.tolist() == [-1 if value is None else value for value in sequences]
    assert {array.dtype.name for array in vars(ours).values()} == {"int32"}
    assert Tokenizer.load(unigram).encode_windows([], max_length=4).offsets.shape == (0, 2)


@pytest.mark.parametrize(
    ("bad", "seen"), [(None, "is None"), (b"a", "is of type bytes"), ("\ud800", "lone surrogate")]
)
def test_bad_texts_are_named_as_by_the_core(unigram: Path, bad: object, seen: str) -> None:
    with pytest.raises(InputError, match=rf"texts\[1\] .*{seen}|texts\[1\] {seen}"):
        Tokenizer.load(unigram).encode_batch(["a", bad])


def test_limits_that_make_no_sense_are_refused(unigram: Path) -> None:
    tokenizer = Tokenizer.load(unigram)
    with pytest.raises(InputError, match="expected at least 2 for the special tokens"):
        tokenizer.encode(TEXTS[0], max_length=1)
    with pytest.raises(InputError, match="stride is 4"):
        tokenizer.windows(TEXTS[0], max_length=6, stride=4)
    with pytest.raises(InputError, match="text has"):
        tokenizer.encode(TEXTS[0], max_length=6, truncate="error")


def test_it_survives_pickling_and_has_an_identity(unigram: Path) -> None:
    tokenizer = Tokenizer.load(unigram)
    copy = pickle.loads(pickle.dumps(tokenizer))  # noqa: S301
    assert copy.encode(TEXTS[1]) == tokenizer.encode(TEXTS[1])
    assert copy.identity() == tokenizer.identity()


def test_the_caller_cannot_change_it(unigram: Path) -> None:
    with pytest.raises(TokenizerError, match="lower= is given, and only BERT's"):
        Tokenizer.load(unigram, lower=True)


def test_a_wordpiece_with_another_normalizer_goes_through_the_package(tmp_path: Path) -> None:
    model = tokenizers.Tokenizer(
        tokenizers.models.WordPiece({"[UNK]": 0, "ab": 1, "##c": 2}, unk_token="[UNK]")
    )
    model.normalizer = tokenizers.normalizers.Lowercase()
    model.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    model.save(str(tmp_path / "tokenizer.json"))
    tokenizer = Tokenizer.load(tmp_path)
    assert tokenizer.encode("ABC ab").ids == [1, 2, 1]
    assert tokenizer.settings["lower"].value is True
    assert tokenizer.encode(["ABC", "x"], split_words=True).word_ids == [0, 0, 1]


@pytest.mark.parametrize(
    ("document", "complaint"),
    [
        ({"model": {"type": "Unigram", "vocab": "x"}}, "the tokenizers package can't read it"),
        ({"model": {"type": 3}}, r"model\.type is 3, expected a string"),
        ({"model": []}, r"model is \[\]"),
        ({}, "model is None"),
        (
            {
                "model": {"type": "WordLevel", "vocab": {"a": 0}, "unk_token": "a"},
                "post_processor": {
                    "type": "TemplateProcessing",
                    "single": [{"SpecialToken": {"id": "x", "type_id": 0}}],
                    "pair": [],
                    "special_tokens": {},
                },
            },
            "can't read it: no entry found for key",
        ),
        (
            {"model": {"type": "WordLevel", "vocab": {"a": 4 * 10**9}, "unk_token": "a"}},
            "the largest id is 4000000000",
        ),
    ],
)
def test_hostile_files_are_refused(tmp_path: Path, document: object, complaint: str) -> None:
    (tmp_path / "tokenizer.json").write_text(json.dumps(document))
    with pytest.raises(TokenizerError, match=complaint):
        Tokenizer.load(tmp_path)


def test_vocab_json_and_merges_are_a_byte_level_bpe(tmp_path: Path) -> None:
    trained = tokenizers.ByteLevelBPETokenizer()
    special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    trained.train_from_iterator(
        TEXTS * 5, vocab_size=300, special_tokens=special, show_progress=False
    )
    trained.save_model(str(tmp_path))
    tokenizer = Tokenizer.load(tmp_path)
    for text in TEXTS:
        encoding = tokenizer.encode(text)
        assert encoding.ids[1:-1] == trained.encode(text).ids
        assert (encoding.ids[0], encoding.ids[-1]) == (0, 2)
        assert tokenizer.decode(encoding.ids) == text
    pair = tokenizer.encode("a", "b")
    assert pair.tokens == ["<s>", "a", "</s>", "</s>", "b", "</s>"]
    assert tokenizer.encode("a <mask>").tokens == ["<s>", "a", "<mask>", "</s>"]
    (tmp_path / "merges.txt").write_bytes(b"\xff")
    with pytest.raises(TokenizerError, match=r"merges\.txt: not UTF-8"):
        Tokenizer.load(tmp_path)


@pytest.mark.parametrize(
    ("earlier", "now"), [("ForeignDefinition", HfDefinition), ("FrameItem", TemplatePiece)]
)
def test_what_an_earlier_release_pickled_is_found(earlier: str, now: type) -> None:
    assert pickle.loads(f"cbertie.tokenize.definition\n{earlier}\n.".encode()) is now  # noqa: S301


def test_a_default_name_that_the_vocabulary_lacks_is_no_token(tmp_path: Path) -> None:
    files = family("eurobert_json")["files"]
    settings = Tokenizer.load(write(tmp_path / "model", files)).settings
    assert [settings[f"{key}_token"].value for key in ("cls", "sep", "unk")] == [None] * 3
    assert settings["mask_token"].value == "<|mask|>"
    stated = edited(files, {"tokenizer_config.json": {"unk_token": "<unk>"}})
    assert Tokenizer.load(write(tmp_path / "other", stated)).settings["unk_token"].value == "<unk>"
