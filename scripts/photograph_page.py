"""Take the pictures of the server's page that the docs show, of a server that runs.

    bertie serve minilm ner=./my-ner
    python scripts/photograph_page.py http://127.0.0.1:8080 minilm/similarity ner/entities:dark

Each view goes to docs/images/page-VIEW.png. Needs Playwright, Pillow, and Debian's chromium. A
little load is put on the server meanwhile, so that there is something to see.
"""

import argparse
import io
import json
import shutil
import threading
import urllib.request
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, sync_playwright

_IMAGES = Path(__file__).parent.parent / "docs" / "images"
_SIZE = {"width": 1180, "height": 850}
_WATCHED = 12_000  # milliseconds of load before the picture
_COLOURS = 128


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("url")
    parser.add_argument("views", nargs="+", help="MODEL/VIEW, or MODEL/VIEW:dark")
    return parser.parse_args()


def main() -> None:
    args = arguments()
    done = threading.Event()
    load = threading.Thread(target=busy, args=(args.url, done))
    load.start()
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=shutil.which("chromium"), args=["--no-sandbox"]
            )
            for place in args.views:
                photograph(browser, args.url, *place.partition(":")[::2])
    finally:
        done.set()
        load.join()


def busy(url: str, done: threading.Event) -> None:
    """Ask for some vectors, again and again, with a pause that varies."""
    number = 0
    while not done.wait(0.02 * (1 + number % 7)):
        number += 1
        texts = [f"text {number} of {n}" for n in range(1 + number % 5)]
        request = urllib.request.Request(
            f"{url}/v1/embeddings",
            json.dumps({"input": texts}).encode(),
            {"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=30) as response:
            response.read()


def photograph(browser: Browser, url: str, place: str, scheme: str) -> None:
    """Run a view's example and take its picture, in few colours."""
    page = browser.new_page(viewport=_SIZE, color_scheme=scheme or "light")  # type: ignore[arg-type]
    page.goto(f"{url}/#{place}")
    page.wait_for_selector("#tabs button")
    page.wait_for_timeout(_WATCHED)
    page.click("#run")
    page.wait_for_selector("#answer > *")
    page.evaluate("document.activeElement.blur()")
    page.mouse.move(0, 0)
    page.wait_for_timeout(1500)
    picture = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    few = picture.quantize(_COLOURS, dither=Image.Dither.NONE)
    path = _IMAGES / f"page-{place.rpartition('/')[2]}.png"
    few.save(path, optimize=True)
    print(f"{path.relative_to(_IMAGES.parent.parent)}: {path.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
