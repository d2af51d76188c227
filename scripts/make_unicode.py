"""Write core/text/unicode_tables.cc: what BERT's tokenizer asks about a code point.

The properties come from Python's unicodedata. Hugging Face's `tokenizers` takes its own from
several Rust crates of other Unicode versions, and Bertie gives the ids that `tokenizers` gives:
where the two differ, the tables below say what `tokenizers` does. They were found by asking it
about every code point; tests/tokenize/test_unicode.py asks again.

Run it with a Python whose unicodedata is of UNICODE_VERSION:

    python scripts/make_unicode.py
"""

import sys
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

UNICODE_VERSION = "14.0.0"
OUTPUT = Path(__file__).parent.parent / "core" / "text" / "unicode_tables.cc"

# --- where `tokenizers` 0.23 departs from Unicode 14.0.0 ---------------------------------------
# Format characters that it keeps: its tables of categories predate them.
NOT_CONTROL = "0890-0891 08E2 110CD 13430-13438"
# Punctuation in its tables that Unicode has since called symbol and mark.
PUNCTUATION = "166D 111C9"
# Punctuation that its tables predate.
NOT_PUNCTUATION = (
    "061D 09FD 0A76 0C77 0C84 1B7D-1B7E 2E43-2E4F 2E52-2E5D 10EAD 10F55-10F59 10F86-10F89 "
    "1144B-1144F 1145A-1145B 1145D 11660-1166C 116B9 1183B 11944-11946 119E2 11A3F-11A46 "
    "11A9A-11A9C 11A9E-11AA2 11C41-11C45 11C70-11C71 11EF7-11EF8 11FFF 12FF1-12FF2 "
    "16E97-16E9A 16FE2 1E95E-1E95F"
)
# A mark that Unicode has since called spacing.
MARK = "1734"
# Nonspacing marks that its tables predate: they survive the stripping of accents.
NOT_MARK = (
    "07FD 0898-089F 08CA-08E1 09FE 0AFA-0AFF 0B55 0C04 0C3C 0D00 0D3B-0D3C 0D81 0EBA 180F "
    "1885-1886 1ABF-1ACE 1DF6-1DFB A82C A8C5 A8FF A9BD 10D24-10D27 10EAB-10EAC 10F46-10F50 "
    "10F82-10F85 11070 11073-11074 110C2 111C9 111CF 1123E 1133B 11438-1143F 11442-11444 "
    "11446 1145E 1182F-11837 11839-1183A 1193B-1193C 1193E 11943 119D4-119D7 119DA-119DB "
    "119E0 11A01-11A0A 11A33-11A38 11A3B-11A3E 11A47 11A51-11A56 11A59-11A5B 11A8A-11A96 "
    "11A98-11A99 11C30-11C36 11C38-11C3D 11C3F 11C92-11CA7 11CAA-11CB0 11CB2-11CB3 "
    "11CB5-11CB6 11D31-11D36 11D3A 11D3C-11D3D 11D3F-11D45 11D47 11D90-11D91 11D95 11D97 "
    "11EF3-11EF4 16F4F 16FE4 1CF00-1CF2D 1CF30-1CF46 1E000-1E006 1E008-1E018 1E01B-1E021 "
    "1E023-1E024 1E026-1E02A 1E130-1E136 1E2AE 1E2EC-1E2EF 1E944-1E94A"
)
# Marks that its normalization predates, so that it does not reorder them.
CLASS_ZERO = (
    "07FD 0898-089F 08CA-08D3 09FE 0C3C 0D3B-0D3C 0EBA 1715 1ABF-1ACE 1DF6-1DFA A82C "
    "10D24-10D27 10EAB-10EAC 10F46-10F50 10F82-10F85 11070 1133B 1145E 11839-1183A "
    "1193D-1193E 11943 119E0 11A34 11A47 11A99 11D42 11D44-11D45 11D97 16FF0-16FF1 "
    "1E130-1E136 1E2AE 1E2EC-1E2EF"
)
# A letter composed of two that its normalization predates.
NOT_DECOMPOSED = "11938"
# Capitals younger than Unicode 14, which Rust's standard library knows: capital to small.
LOWER = {
    first + i: small + i
    for first, last, small in (
        (0x1C89, 0x1C89, 0x1C8A),
        (0xA7CB, 0xA7CB, 0x264),
        (0xA7CC, 0xA7CC, 0xA7CD),
        (0xA7CE, 0xA7CE, 0xA7CF),
        (0xA7D2, 0xA7D2, 0xA7D3),
        (0xA7D4, 0xA7D4, 0xA7D5),
        (0xA7DA, 0xA7DA, 0xA7DB),
        (0xA7DC, 0xA7DC, 0x19B),
        (0x10D50, 0x10D65, 0x10D70),
        (0x16EA0, 0x16EB8, 0x16EBB),
    )
    for i in range(last - first + 1)
}
# Word characters younger than Unicode 14, for added tokens that match whole words only.
WORD = (
    "897 CF3 ECE 1C89-1C8A A7CB-A7CD A7DA-A7DC 105C0-105F3 10D40-10D65 10D69-10D6D "
    "10D6F-10D85 10EC2-10EC4 10EFC-10EFF 1123F-11241 11380-11389 1138B 1138E 11390-113B5 "
    "113B7-113C0 113C2 113C5 113C7-113CA 113CC-113D3 113E1-113E2 116D0-116E3 11BC0-11BE0 "
    "11BF0-11BF9 11F00-11F10 11F12-11F3A 11F3E-11F42 11F50-11F5A 1342F 13440-13455 "
    "13460-143FA 16100-16139 16D40-16D6C 16D70-16D79 18CFF 1B132 1B155 1CCF0-1CCF9 "
    "1DF25-1DF2A 1E030-1E06D 1E08F 1E4D0-1E4F9 1E5D0-1E5FA 2B739 2EBF0-2EE5D 31350-323AF"
)
# Symbols with the property Other_Alphabetic, which unicodedata does not tell.
ALPHABETIC_SYMBOLS = "24B6-24E9 1F130-1F149 1F150-1F169 1F170-1F189"

# Rust's char::is_whitespace, the property White_Space.
WHITE_SPACE = "9-D 20 85 A0 1680 2000-200A 2028-2029 202F 205F 3000"
# Google's Chinese characters, less the start of extension E, which `tokenizers` leaves out.
CJK = "3400-4DBF 4E00-9FFF F900-FAFF 20000-2A6DF 2A700-2B73F 2B740-2B81F 2B920-2CEAF 2F800-2FA1F"

# Bits of a record; core/text/unicode.h names them alike.
CONTROL, SPACE, PUNCT, MARK_BIT, IDEOGRAPH, DECOMPOSES, LOWERS, WORD_BIT = (
    1 << i for i in range(8)
)

BLOCK = 128  # code points in a block of the second stage
SURROGATES = range(0xD800, 0xE000)
HANGUL = range(0xAC00, 0xD7A4)  # decomposed by arithmetic in the core


def code_points(ranges: str) -> frozenset[int]:
    """Return the code points that "A-B C D-E" (hexadecimal, inclusive) names."""
    points: set[int] = set()
    for part in ranges.split():
        first, _, last = part.partition("-")
        points.update(range(int(first, 16), int(last or first, 16) + 1))
    return frozenset(points)


def member(ranges: str) -> Callable[[int], bool]:
    return code_points(ranges).__contains__


not_control, extra_punctuation, not_punctuation = map(
    member, (NOT_CONTROL, PUNCTUATION, NOT_PUNCTUATION)
)
extra_mark, not_mark, class_zero = map(member, (MARK, NOT_MARK, CLASS_ZERO))
not_decomposed, white_space, cjk = map(member, (NOT_DECOMPOSED, WHITE_SPACE, CJK))
extra_word, alphabetic_symbol = map(member, (WORD, ALPHABETIC_SYMBOLS))


def decomposition(point: int) -> tuple[int, ...]:
    """Return the full canonical decomposition, or () where the code point stands for itself."""
    if point in HANGUL or not_decomposed(point):
        return ()
    text = unicodedata.normalize("NFD", chr(point))
    return () if text == chr(point) else tuple(map(ord, text))


def lower(point: int) -> tuple[int, ...]:
    """Return the small letters of a capital, or () where the code point stands for itself."""
    if point in LOWER:
        return (LOWER[point],)
    text = chr(point).lower()
    return () if text == chr(point) else tuple(map(ord, text))


def record(point: int) -> int:
    """Return the flags of a code point, and its canonical combining class above them."""
    if point in SURROGATES:
        return 0  # UTF-8 has none
    category = unicodedata.category(chr(point))
    flags = 0
    if category in ("Cc", "Cf", "Co") and point not in (0x9, 0xA, 0xD) and not not_control(point):
        flags |= CONTROL
    if point in (0, 0xFFFD):
        flags |= CONTROL
    if white_space(point):
        flags |= SPACE
    ascii_symbol = point < 128 and category[0] == "S"
    if (category[0] == "P" and not not_punctuation(point)) or ascii_symbol:
        flags |= PUNCT
    if extra_punctuation(point):
        flags |= PUNCT
    if (category == "Mn" and not not_mark(point)) or extra_mark(point):
        flags |= MARK_BIT
    if cjk(point):
        flags |= IDEOGRAPH
    if decomposition(point):
        flags |= DECOMPOSES
    if lower(point):
        flags |= LOWERS
    if category[0] in "LM" or category in ("Nl", "Nd", "Pc") or point in (0x200C, 0x200D):
        flags |= WORD_BIT
    if extra_word(point) or alphabetic_symbol(point):
        flags |= WORD_BIT
    combining = 0 if class_zero(point) else unicodedata.combining(chr(point))
    return flags | combining << 8


def numbers(values: Iterable[int], kind: str = "d") -> Iterator[str]:
    """Yield lines of at most 100 columns of comma-separated numbers."""
    line = ""
    for value in values:
        text = f"{value:{kind}},"
        if len(line) + len(text) > 98:
            yield f"  {line}"
            line = ""
        line += text
    yield f"  {line}"


def array(kind: str, name: str, values: list[int]) -> Iterator[str]:
    yield f"const {kind} {name}[{len(values)}] = {{"
    yield from numbers(values)
    yield "};"


def mapping(name: str, of: Callable[[int], tuple[int, ...]]) -> Iterator[str]:
    """Yield a mapping as sorted keys, the end of each one's targets, and the targets."""
    keys, ends, targets = [], [], []
    for point in range(0x110000):
        if point not in SURROGATES and (values := of(point)):
            keys.append(point)
            targets.extend(values)
            ends.append(len(targets))
    yield from array("uint32_t", f"{name}_keys", keys)
    yield from array("uint16_t", f"{name}_ends", ends)
    yield from array("uint32_t", f"{name}_targets", targets)
    yield f"const Mapping {name} = {{{name}_keys, {name}_ends, {name}_targets, {len(keys)}}};"


def tables() -> Iterator[str]:
    """Yield the lines of the generated file."""
    kinds: dict[int, int] = {}
    blocks: dict[tuple[int, ...], int] = {}
    index = []
    for start in range(0, 0x110000, BLOCK):
        block = tuple(
            kinds.setdefault(record(point), len(kinds)) for point in range(start, start + BLOCK)
        )
        index.append(blocks.setdefault(block, len(blocks)))
    yield f"// Made by scripts/make_unicode.py from Unicode {UNICODE_VERSION}; edit that instead."
    yield "#include <cstdint>"
    yield ""
    yield '#include "text/unicode.h"'
    yield ""
    yield "namespace bertie::unicode {"
    yield "namespace {"
    yield from (
        line
        for of, name in ((decomposition, "nfd"), (lower, "lower"))
        for line in mapping(name, of)
    )
    yield "}  // namespace"
    yield ""
    yield f'const char* const version = "{UNICODE_VERSION}";'
    yield "const Mapping& decompositions = nfd;"
    yield "const Mapping& lowercase = lower;"
    yield from array("uint16_t", "records", list(kinds))
    yield from array("uint16_t", "block_of", index)
    yield from array("uint8_t", "record_of", [kind for block in blocks for kind in block])
    yield "}  // namespace bertie::unicode"


def main() -> None:
    if unicodedata.unidata_version != UNICODE_VERSION:
        sys.exit(
            f"this Python has Unicode {unicodedata.unidata_version}, expected {UNICODE_VERSION}: "
            "the departures above were found against that version"
        )
    OUTPUT.write_text("\n".join(tables()) + "\n")


if __name__ == "__main__":
    main()
