"""Damage tokenizer.json at random, and see that it loads or is refused as it should be.

    python scripts/fuzz_tokenizer_json.py [--seconds N] [--seed N]

Anything but a tokenizer or a TokenizerError ends it with the document that did it. What loads has
to encode a text without another error than InputError.
"""

import argparse
import json
import random
import tempfile
import time
from copy import deepcopy
from pathlib import Path
from typing import Any

from bertie.errors import InputError, TokenizerError
from bertie.tokenize import Tokenizer

VOCAB = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "##b", "é", "中", "hello", "world"]
VALUES: tuple[Any, ...] = (
    None, True, False, 0, 1, -1, 2**31, 2**63, 10**30, 0.5, 1e308, "", "a", "##", "[CLS]", "\ud800",
    "\u0000", "WordPiece", "BertNormalizer", "Unigram", "BPE", "Sequence", [], {}, [[]], {"": {}},
    ["[CLS]", 2], [{"id": 1}], {"type": "Lowercase"}, [1, 2], {"A": 0},
)  # fmt: skip


def document() -> dict[str, Any]:
    """A small tokenizer.json with every part."""
    special = {token: {"id": token, "ids": [i], "tokens": [token]} for i, token in enumerate(VOCAB)}
    frame = [
        {"SpecialToken": {"id": "[CLS]", "type_id": 0}},
        {"Sequence": {"id": "A", "type_id": 0}},
        {"SpecialToken": {"id": "[SEP]", "type_id": 0}},
    ]
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [
            {"id": i, "content": token, "single_word": False, "lstrip": False, "rstrip": False,
             "normalized": False, "special": True}
            for i, token in enumerate(VOCAB[:5])
        ],
        "normalizer": {"type": "BertNormalizer", "clean_text": True, "handle_chinese_chars": True,
                       "strip_accents": None, "lowercase": True},
        "pre_tokenizer": {"type": "BertPreTokenizer"},
        "post_processor": {
            "type": "TemplateProcessing",
            "single": frame,
            "pair": [*frame, {"Sequence": {"id": "B", "type_id": 1}}],
            "special_tokens": special,
        },
        "decoder": {"type": "WordPiece", "prefix": "##", "cleanup": True},
        "model": {
            "type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
            "max_input_chars_per_word": 100, "vocab": {token: i for i, token in enumerate(VOCAB)},
        },
    }  # fmt: skip


def places(value: Any) -> list[tuple[Any, Any]]:
    """Every (container, key) in a document."""
    found: list[tuple[Any, Any]] = []
    waiting = [value]
    while waiting:
        container = waiting.pop()
        keys = container if isinstance(container, dict) else range(len(container))
        for key in list(keys):
            found.append((container, key))
            if isinstance(container[key], dict | list):
                waiting.append(container[key])
    return found


def damage(value: dict[str, Any], source: random.Random) -> None:
    """Change, remove, copy or nest one to three values."""
    for _ in range(source.randint(1, 3)):
        all_places = places(value)
        if not all_places:
            return
        container, key = source.choice(all_places)
        kind = source.random()
        if kind < 0.6:
            container[key] = deepcopy(source.choice(VALUES))
        elif kind < 0.75:
            del container[key]
        elif kind < 0.9:
            other, other_key = source.choice(all_places)
            container[key] = json.loads(json.dumps(other.get(other_key) if isinstance(other, dict)
                                                   else None))  # fmt: skip
        else:
            for _ in range(source.choice((2, 50))):
                container[key] = [container[key]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    source = random.Random(arguments.seed)
    end = time.monotonic() + arguments.seconds
    loaded = refused = 0
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "tokenizer.json"
        while time.monotonic() < end:
            damaged = document()
            damage(damaged, source)
            text = json.dumps(damaged)
            if source.random() < 0.1:
                at = source.randrange(len(text))
                text = text[:at] + source.choice('{}[]",:0e\\u') + text[at + 1 :]
            path.write_text(text)
            try:
                tokenizer = Tokenizer.load(folder)
                loaded += 1
                tokenizer.decode(tokenizer.encode("Hello worldab [MASK] 中é", "b").ids)
                tokenizer.identity()
            except TokenizerError:
                refused += 1
            except InputError:
                pass
            except BaseException:
                print(text)
                raise
    print(f"{loaded} loaded, {refused} refused")


if __name__ == "__main__":
    main()
