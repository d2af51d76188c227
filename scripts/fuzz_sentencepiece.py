"""Damage a SentencePiece model's file at random, and see that it loads or is refused as it should.

    python scripts/fuzz_sentencepiece.py [--seconds N] [--seed N]

Anything but a tokenizer or a TokenizerError ends it with the bytes that did it. What loads has to
encode a text without another error than InputError, and TokenizerError where the `tokenizers`
package finds a file broken only when it is used.
"""

import argparse
import base64
import json
import random
import tempfile
import time
from pathlib import Path

from bertie.errors import InputError, TokenizerError
from bertie.tokenize import Tokenizer

DATA = Path(__file__).parents[1] / "tests/data/tokenizers"
FAMILIES = {
    "deberta_v2_model": "spm.model",
    "xlm_roberta_model": "sentencepiece.bpe.model",
    "albert_model": "spiece.model",
}
# Tags, lengths and numbers that begin or end something.
BYTES = (0x00, 0x01, 0x02, 0x08, 0x0A, 0x0D, 0x12, 0x15, 0x18, 0x1A, 0x7F, 0x80, 0xC0, 0xFF)


def damage(data: bytes, source: random.Random) -> bytes:
    """Change, remove, repeat or cut off bytes, one to four times."""
    own = bytearray(data)
    for _ in range(source.randint(1, 4)):
        # Half of it where the specs are, behind the pieces.
        first = max(0, len(own) - 600) if source.random() < 0.5 else 0
        at = source.randrange(first, len(own) + 1)
        length = source.choice((1, 1, 2, 4, 40))
        kind = source.random()
        if kind < 0.4:
            own[at : at + 1] = bytes([source.choice((*BYTES, source.randrange(256)))])
        elif kind < 0.6:
            del own[at : at + length]
        elif kind < 0.8:
            begin = source.randrange(len(own) + 1)
            own[at:at] = own[begin : begin + length]
        elif kind < 0.95:
            own[at : at + 4] = source.randbytes(4)
        else:
            del own[at:]
    return bytes(own)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    source = random.Random(arguments.seed)
    end = time.monotonic() + arguments.seconds
    wholes = []
    for family, name in FAMILIES.items():
        files = json.loads((DATA / f"{family}.json").read_text(encoding="utf-8"))["files"]
        wholes.append((name, base64.b64decode(files[name]["base64"]), files["config.json"]))
    loaded = refused = 0
    while time.monotonic() < end:
        name, whole, config = source.choice(wholes)
        damaged = damage(whole, source)
        with tempfile.TemporaryDirectory() as folder:
            Path(folder, name).write_bytes(damaged)
            Path(folder, "config.json").write_text(json.dumps(config), encoding="utf-8")
            try:
                tokenizer = Tokenizer.load(folder)
                tokenizer.decode(tokenizer.encode("Hello ＡＢ ﬁ the\t[MASK] 中น้ำ\u0301", "b").ids)
                tokenizer.identity()
                loaded += 1
            except TokenizerError:
                refused += 1
            except InputError:
                pass
            except BaseException:
                print(name, damaged)
                raise
    print(f"{loaded} loaded, {refused} refused")


if __name__ == "__main__":
    main()
