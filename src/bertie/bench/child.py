"""A process of its own that loads a model, embeds one text, then what it reads, and tells of it.

start.py runs it as a file, not as a module: so it imports nothing before its clock runs. It reads
JSON lines on standard input: an object that says what is asked, and once it has told of the first
vector, texts. It prints a JSON object for each.
"""

import json
import sys
import time
from collections.abc import Iterator
from itertools import islice

_FEW = 100  # texts after which memory should have come to rest


def _tell(**values: float | None) -> None:
    print(json.dumps(values), flush=True)


def _texts() -> Iterator[str]:
    while line := sys.stdin.readline():
        yield json.loads(line)


def main() -> None:
    """Measure what is asked: source, options of load, text."""
    asked = json.loads(sys.stdin.readline())
    begun = time.perf_counter()
    from bertie.loading.load import load

    imported = time.perf_counter()
    from bertie.system.memory import peak_resident_bytes, resident_bytes

    imported_bytes = resident_bytes()
    ready = time.perf_counter()
    model = load(asked["source"], **asked["options"])
    loaded = time.perf_counter()
    model.embed(asked["text"])
    embedded = time.perf_counter()
    _tell(
        import_ms=1e3 * (imported - begun),
        load_ms=1e3 * (loaded - ready),
        embed_ms=1e3 * (embedded - loaded),
    )
    loaded_bytes = resident_bytes()
    texts = _texts()
    few = list(islice(texts, _FEW))
    if not few:
        return
    for _ in model.embed_stream(few):
        pass
    few_bytes = resident_bytes()
    for _ in model.embed_stream(texts):
        pass
    _tell(
        imported_bytes=imported_bytes,
        loaded_bytes=loaded_bytes,
        few_bytes=few_bytes,
        bulk_bytes=resident_bytes(),
        peak_bytes=peak_resident_bytes(),
    )


if __name__ == "__main__":
    main()
