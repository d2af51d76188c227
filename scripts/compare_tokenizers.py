"""Compare Bertie's tokenizer with Hugging Face's `tokenizers`, token by token.

    python scripts/compare_tokenizers.py [--data FOLDER] [--strings N] [--vocab vocab.txt]

For each setting (uncased, cased, accents kept, no spacing of Chinese characters and so on), over
every line of every file of the folder and N random strings from all of Unicode: ids, type ids,
offsets, word ids and special masks of single texts, the packed batch, and the decoded text. Then,
over some of them: pairs by every strategy, side and stride with all their windows; words split
beforehand; and added tokens of every kind. Exits with 1 where anything differs. Needs the
`tokenizers` package.
"""

import argparse
import json
import random
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice, product
from pathlib import Path
from typing import Any

import tokenizers

from bertie.errors import InputError
from bertie.tokenize import BasicTokenizer, Encoding, Tokenizer
from bertie.tokenize.backend import STRATEGIES

SETTINGS = {
    "uncased": {"lowercase": True},
    "cased": {"lowercase": False},
    "accents kept": {"lowercase": True, "strip_accents": False},
    "accents only": {"lowercase": False, "strip_accents": True},
    "no Chinese spacing": {"lowercase": True, "handle_chinese_chars": False},
    "no cleaning": {"lowercase": True, "clean_text": False},
}
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]

# Where bugs live: (first, last) of marks, controls, private use, Chinese, Hangul, right-to-left,
# emoji and their joiners, compatibility forms, and the edges of planes.
PLACES = (
    (0x0, 0x7F), (0x80, 0x24F), (0x300, 0x36F), (0x370, 0x5FF), (0x600, 0x8FF), (0x900, 0x1CFF),
    (0x1D00, 0x1FFF), (0x2000, 0x206F), (0x20D0, 0x20FF), (0x3000, 0x33FF), (0x4E00, 0x4FFF),
    (0x1100, 0x11FF), (0xAC00, 0xD7A3), (0xE000, 0xE0FF), (0xF900, 0xFAFF), (0xFB00, 0xFEFF),
    (0xFF00, 0xFFFF), (0x10000, 0x1FFFF), (0x1D100, 0x1D7FF), (0x1F300, 0x1FAFF),
    (0x20000, 0x3FFFF), (0x40000, 0xDFFFF), (0xE0000, 0xE01EF), (0xF0000, 0x10FFFF),
)  # fmt: skip
HARD = (
    "\u0000\ufffd\u200b\u200d\ufe0f\u0130\u00df\u1e9e\u03a3\u0344\u0301\u0327\u302e\U0001d165"
    "\t\r\n\u00a0\u3000##[]' .,"
)


def random_string(source: random.Random) -> str:
    """Return a string of up to 40 code points, mixed from a few of the places above."""
    places = source.choices(PLACES, k=3)
    text = []
    for _ in range(source.randrange(1, 40)):
        kind = source.random()
        if kind < 0.2:
            text.append(source.choice(HARD))
        elif kind < 0.4:
            text.append(source.choice("abcdefghij ABC"))
        elif kind < 0.42:
            text.append(source.choice(SPECIAL))
        else:
            point = source.randint(*source.choice(places))
            text.append(chr(point) if not 0xD800 <= point < 0xE000 else "\u0308")
    return "".join(text)


def lines(folder: Path) -> Iterator[str]:
    """Yield every line of every file, undecodable bytes replaced."""
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            yield from path.read_text(encoding="utf-8", errors="replace").split("\n")


def wide_vocab(base: list[str], texts: Iterable[str]) -> list[str]:
    """Add the commonest characters and words of the texts, so that few words are unknown."""
    words: Counter[str] = Counter()
    characters: Counter[str] = Counter()
    normalizers = [
        tokenizers.normalizers.BertNormalizer(lowercase=lower, strip_accents=accents)
        for lower, accents in ((True, True), (False, False))
    ]
    splitter = tokenizers.pre_tokenizers.BertPreTokenizer()
    for text in texts:
        for normalizer in normalizers:
            for word, _ in splitter.pre_tokenize_str(normalizer.normalize_str(text)):
                words[word] += 1
                characters.update(word)
    wide = list(base)
    wide += [character for character, _ in characters.most_common(20000)]
    wide += [f"##{character}" for character, _ in characters.most_common(20000)]
    wide += [word for word, _ in words.most_common(30000)]
    return list(dict.fromkeys(wide))


@dataclass
class Pair:
    """Both tokenizers with one setting."""

    theirs: tokenizers.BertWordPieceTokenizer
    ours: Tokenizer

    @classmethod
    def make(cls, vocab: list[str], setting: dict[str, bool]) -> "Pair":
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder)
            (path / "vocab.txt").write_text("\n".join(vocab) + "\n", encoding="utf-8")
            theirs = tokenizers.BertWordPieceTokenizer(str(path / "vocab.txt"), **setting)
            theirs.save(str(path / "tokenizer.json"))
            return cls(theirs, Tokenizer.load(path))

    def differences(self, texts: list[str]) -> Iterator[str]:
        """Yield a line for each text that the two tokenize or decode differently."""
        packed = self.ours.encode_batch(texts)
        at = 0
        for i, (text, theirs) in enumerate(
            zip(texts, self.theirs.encode_batch(texts), strict=True)
        ):
            ours = self.ours.encode(text)
            end = at + int(packed.lengths[i])
            pairs = {
                "ids": (ours.ids, theirs.ids),
                "batch ids": (packed.ids[at:end].tolist(), theirs.ids),
                "type ids": (ours.type_ids, theirs.type_ids),
                "offsets": (ours.offsets, theirs.offsets),
                "word ids": (ours.word_ids, theirs.word_ids),
                "special": (ours.special_mask, theirs.special_tokens_mask),
                "text": (self.ours.decode(ours.ids), self.theirs.decode(theirs.ids)),
            }
            at = end
            for what, (a, b) in pairs.items():
                if a != b:
                    yield f"{what} of {text!r}: {a} and {b}"
                    break


def compare(vocab: list[str], texts: list[str], shown: int = 5) -> int:
    """Print the differences under every setting; return how many there are."""
    total = 0
    for name, setting in SETTINGS.items():
        pair = Pair.make(vocab, setting)
        found = 0
        for start in range(0, len(texts), 20000):
            for difference in pair.differences(texts[start : start + 20000]):
                found += 1
                if found <= shown:
                    print(f"  {difference}")
        print(f"{name}: {len(texts)} texts, {found} differ")
        total += found
    return total


def same(ours: Encoding, theirs: tokenizers.Encoding) -> bool:
    """Whether two encodings have the same ids, types, places and words."""
    return (ours.ids, ours.type_ids, ours.offsets, ours.word_ids, ours.special_mask) == (
        theirs.ids,
        theirs.type_ids,
        theirs.offsets,
        theirs.word_ids,
        theirs.special_tokens_mask,
    )


def windows(pair: Pair, first: str, second: str | None, limit: int, **how: Any) -> bool:
    """Whether both cut a text or a pair alike, or both refuse to."""
    backend = pair.theirs._tokenizer
    try:
        backend.enable_truncation(
            limit, stride=how["stride"], strategy=how["strategy"], direction=how["truncate"]
        )
    except ValueError:  # a stride that may be too long is refused before there is a text
        return True
    try:
        theirs = backend.encode(first, second)
        cut = [theirs, *theirs.overflowing]
    except BaseException as error:  # a panic in Rust is a BaseException
        if isinstance(error, KeyboardInterrupt):
            raise
        cut = []
    backend.no_truncation()
    try:
        ours = pair.ours.windows(first, second, max_length=limit, **how)
    except InputError:
        return not cut
    pairs = None if second is None else [second]
    packed = pair.ours.encode_windows([first], pairs, max_length=limit, **how)
    if packed.ids.tolist() != [id for window in ours for id in window.ids]:
        return False
    if packed.offsets.tolist() != [list(place) for window in ours for place in window.offsets]:
        return False
    kept = {key: value for key, value in how.items() if key != "stride"}
    if pair.ours.encode(first, second, max_length=limit, **kept).ids != ours[0].ids:
        return False
    return len(ours) == len(cut) and all(map(same, ours, cut))


def compare_windows(vocab: list[str], texts: list[str], count: int, seed: int) -> int:
    """Compare `count` random pairs and single texts under every strategy, side and stride."""
    source = random.Random(seed)
    pair = Pair.make(vocab, {"lowercase": True})
    short = [text for text in texts if len(text) < 200] or [""]
    found = tried = 0
    for _ in range(count):
        first, second = source.choice(short), source.choice([*source.choices(short, k=3), None])
        for strategy, side, stride in product(STRATEGIES, ("right", "left"), (0, 1, 3)):
            limit = source.choice((3, 4, 5, 7, 8, 12, 20, 40))
            tried += 1
            how = {"strategy": strategy, "truncate": side, "stride": stride}
            if not windows(pair, first, second, limit, **how):
                found += 1
                if found <= 5:
                    print(f"  {first!r} and {second!r} within {limit}, {how}")
    print(f"windows: {tried} cuts, {found} differ")
    return found


def compare_words(vocab: list[str], texts: list[str]) -> int:
    """Compare texts given as words, less the words that Bertie takes whole on purpose."""
    pair = Pair.make(vocab, {"lowercase": True})
    basic, known = BasicTokenizer(), set(vocab)
    found = 0
    for text in texts:
        words = [
            word
            for word in text.split(" ")
            if len(basic.words(word)) == 1 or basic.normalize(word) not in known
        ]
        theirs = pair.theirs.encode(words, is_pretokenized=True)
        found += not same(pair.ours.encode(words, split_words=True), theirs)
    print(f"split words: {len(texts)} texts, {found} differ")
    return found


def compare_added(vocab: list[str], texts: list[str], seed: int) -> int:
    """Compare texts with added tokens of every kind of flags sprinkled into them."""
    source = random.Random(seed)
    flags = list(product((False, True), repeat=4))
    names = ("single_word", "lstrip", "rstrip", "normalized")
    contents = [f"<{i}>" for i in range(8)] + ["Été", "ing", " x", "中国", "É", "<1>b", "the", "[a"]
    added = [
        {"id": len(vocab) + i, "content": content, **dict(zip(names, flag, strict=True))}
        for i, (content, flag) in enumerate(zip(contents, flags, strict=True))
        if content not in vocab
    ]
    found = 0
    for lower in (True, False):
        theirs = tokenizers.BertWordPieceTokenizer(
            {token: i for i, token in enumerate(vocab)}, lowercase=lower
        )
        described = json.loads(theirs.to_str())
        for i, token in enumerate(added):
            described["added_tokens"].append({**token, "id": len(vocab) + i, "special": False})
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "tokenizer.json"
            path.write_text(json.dumps(described))
            pair = Pair(tokenizers.Tokenizer.from_file(str(path)), Tokenizer.load(folder))
        for text in texts:
            pieces = [text[:20], *(source.choice(contents) for _ in range(3)), text[20:60]]
            source.shuffle(pieces)
            mixed = source.choice(("", " ", "\t", "a")).join(pieces)
            if not same(pair.ours.encode(mixed), pair.theirs.encode(mixed)):
                found += 1
                if found <= 5:
                    print(f"  {mixed!r}")
    print(f"added tokens: {2 * len(texts)} texts, {found} differ")
    return found


def main() -> None:
    root = Path(__file__).parent.parent
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, default=root.parent / "shared" / "data")
    parser.add_argument("--strings", type=int, default=20000, help="random strings to compare")
    parser.add_argument("--pairs", type=int, default=2000, help="pairs to cut in every way")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--vocab", type=Path, help="compare with this vocab.txt too")
    parser.add_argument("--limit", type=int, help="lines of the folder to compare")
    arguments = parser.parse_args()
    texts = list(islice(lines(arguments.data), arguments.limit)) if arguments.data.is_dir() else []
    source = random.Random(arguments.seed)
    drawn = [random_string(source) for _ in range(arguments.strings)]
    vocabularies = {"a vocabulary of the texts": wide_vocab(SPECIAL, texts + drawn[:20000])}
    if arguments.vocab:
        given = arguments.vocab.read_text(encoding="utf-8").split("\n")[:-1]
        vocabularies[str(arguments.vocab)] = given
    total = 0
    for name, vocab in vocabularies.items():
        print(f"{name}: {len(vocab)} tokens")
        total += compare(vocab, texts) + compare(vocab, drawn)
        some = source.sample(texts, min(len(texts), 5000)) + drawn[:5000]
        total += compare_windows(vocab, some, arguments.pairs, arguments.seed)
        total += compare_words(vocab, some) + compare_added(vocab, some, arguments.seed)
    sys.exit(1 if total else 0)


if __name__ == "__main__":
    main()
