"""A process of its own that loads a model, embeds one text, then what it reads, and tells of it.

cold_start.py runs it as a file, not as a module: so it imports nothing before its clock runs. It
reads JSON lines on standard input: an object that says what to do, and once it has told of the
first vector, texts. It prints a JSON object for each.
"""

import json
import sys
import time
from collections.abc import Iterator
from itertools import islice

_FEW = 100  # texts after which memory should have come to rest


def _print_json(**values: float | None) -> None:
    print(json.dumps(values), flush=True)


def _texts() -> Iterator[str]:
    while line := sys.stdin.readline():
        yield json.loads(line)


def main() -> None:
    """Measure what the request names: source, options of load, text."""
    request = json.loads(sys.stdin.readline())
    begin = time.perf_counter()
    from bertie.loading.load import load

    imported = time.perf_counter()
    from bertie.system.memory import peak_resident_bytes, resident_bytes

    imported_bytes = resident_bytes()
    ready = time.perf_counter()
    model = load(request["source"], **request["options"])
    loaded = time.perf_counter()
    model.embed(request["text"])
    embedded = time.perf_counter()
    _print_json(
        import_ms=1e3 * (imported - begin),
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
    _print_json(
        imported_bytes=imported_bytes,
        loaded_bytes=loaded_bytes,
        few_bytes=few_bytes,
        bulk_bytes=resident_bytes(),
        peak_bytes=peak_resident_bytes(),
    )


if __name__ == "__main__":
    main()
