"""Compare Bertie's tokenizer with Hugging Face's `tokenizers`, token by token.

    python scripts/compare_tokenizers.py [--data FOLDER] [--strings N] [--vocab vocab.txt]

For each setting (uncased, cased, accents kept, no spacing of Chinese characters), over every line
of every file of the folder and N random strings from all of Unicode: ids, type ids, offsets, word
ids and special masks of single texts, the packed batch, and the decoded text. Exits with 1 where
anything differs. Needs the `tokenizers` package.
"""

import argparse
import json
import random
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import tokenizers

from bertie.tokenize import Tokenizer

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
            names = {"lowercase": "do_lower_case", "handle_chinese_chars": "tokenize_chinese_chars"}
            config = {names.get(key, key): value for key, value in setting.items()}
            (path / "tokenizer_config.json").write_text(json.dumps(config))
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


def main() -> None:
    root = Path(__file__).parent.parent
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, default=root.parent / "shared" / "data")
    parser.add_argument("--strings", type=int, default=20000, help="random strings to compare")
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
    sys.exit(1 if total else 0)


if __name__ == "__main__":
    main()
