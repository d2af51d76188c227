"""The page at /: its files, and what they do in a real browser."""

import hashlib
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from bertie.loading.load import load
from bertie.server.page import POLICY, files
from tests.search.conftest import ROWS
from tests.server.running import make_models, running

CHROMIUM = shutil.which("chromium")

# What each view shows for its own example, as a selector.
VIEWS = {
    "embed": ("similarity", "table.heat td.strong"),
    "classify": ("labels", "ol.bars li"),
    "nli": ("your-labels", "ol.bars li:nth-child(3)"),
    "rank": ("ranking", "ol.bars li:nth-child(5)"),
    "tag": ("entities", "p.marked"),
    "answer": ("answers", "p.marked mark"),
    "fill": ("fill", "ol.bars li:nth-child(8)"),
    "next": ("next", ".meter"),
    "sparse": ("weights", "ol.bars li"),
    "colbert": ("late", "ol.bars li:nth-child(5)"),
}


def test_its_files_refer_to_one_another_only() -> None:
    known = files()
    for file in known.values():
        text = file.content.decode()
        elsewhere = set(re.findall(r"https?://[^\s\"'`)]+", text)) - {"http://www.w3.org/2000/svg"}
        assert not elsewhere
        for name in re.findall(r'(?:href|src)="(page/[^"]+)"', text):
            assert f"/{name}" in known
        for name in re.findall(r'from "\./([^"]+)"', text):
            assert f"/page/{name}" in known
    assert known["/"].content_type.startswith("text/html")
    assert "unsafe" not in POLICY


@pytest.fixture(scope="module")
def url(everything: Any) -> str:
    """A server with a model for every task."""
    return str(everything.url)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """A real Chromium."""
    pytest.importorskip("playwright", reason="Playwright isn't installed")
    if CHROMIUM is None:
        pytest.skip("there is no chromium here: apt-get install chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        yield chromium
        chromium.close()


@pytest.fixture
def page(browser: Any, url: str) -> Iterator[Any]:
    """A visitor's page of that server."""
    with visiting(browser, url) as opened:
        yield opened


@contextmanager
def visiting(browser: Any, url: str, place: str = "") -> Iterator[Any]:
    """Open a page, which must neither ask another server nor say that something is wrong."""
    context = browser.new_context(viewport={"width": 1240, "height": 860})
    opened = context.new_page()
    opened.set_default_timeout(30_000)
    said: list[str] = []
    opened.on("console", lambda message: said.append(f"{message.type}: {message.text}"))
    opened.on("pageerror", lambda error: said.append(str(error)))
    opened.on("request", lambda asked: asked.url.startswith(url) or said.append(asked.url))
    opened.goto(url + place)
    opened.wait_for_selector("#tabs button")
    yield opened
    context.close()
    # A refusal is told on the page; the browser's own line about its status is no error of ours.
    assert [line for line in said if "the server responded with a status of 4" not in line] == []


def run(page: Any, shown: str) -> Any:
    """Ask, and wait for what the new answer shows: until it's there, the one before it stays."""
    page.click("#run")
    return page.wait_for_selector(f'#answer[aria-busy="false"] {shown}')


def test_every_task_can_be_tried_by_its_example(page: Any) -> None:
    for model, (view, shown) in VIEWS.items():
        page.select_option("#model", model)
        page.click(f"#tab-{view}")
        run(page, shown)
        assert "ms" in page.text_content("#timing")
        assert f"#{model}/{view}" in page.url
    page.click("#tab-tokens")
    run(page, "ol.tokens li")
    assert page.text_content("#answer ol.tokens li b") == "[CLS]"
    page.click("#request summary")
    assert "/v1/tokenize" in page.text_content("#curl")


def test_it_can_be_used_by_keyboard_alone(page: Any) -> None:
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "model"
    page.keyboard.press("Tab")
    assert page.get_attribute(":focus", "role") == "tab"
    page.keyboard.press("ArrowRight")
    assert page.get_attribute(":focus", "id") == "tab-tokens"
    assert page.get_attribute("#tab-tokens", "aria-selected") == "true"
    page.keyboard.press("Home")
    assert page.get_attribute("#tab-similarity", "aria-selected") == "true"
    page.keyboard.press("Tab")
    page.keyboard.press("Control+a")
    page.keyboard.type("one text\nanother")
    page.keyboard.press("Control+Enter")
    page.wait_for_selector("#answer table.heat")
    assert page.locator("#answer tbody tr").count() == 2
    assert page.text_content("#answer tbody tr:first-child td") == "1.00"


def test_what_the_server_refuses_is_said_in_its_words(page: Any) -> None:
    page.select_option("#model", "fill")
    page.fill("#field-text", "nothing is missing here")
    alert = run(page, "[role=alert]")
    assert "mask" in alert.text_content().lower()
    page.fill("#field-text", "the [MASK] bridge")
    run(page, "ol.bars")


def test_it_shows_what_the_server_is_doing(page: Any) -> None:
    run(page, "table")
    page.wait_for_function("document.querySelector('#health').textContent === 'ready'")
    page.wait_for_function("/ ms/.test(document.querySelector('#live').textContent)")
    live = page.text_content("#live")
    for shown in ("Tokens a second", "Batch fill", "Queue", "Latency", "Errors", "Workers"):
        assert shown in live


def test_every_control_has_a_name_and_what_changes_is_announced(page: Any) -> None:
    for model, (view, _) in VIEWS.items():
        page.select_option("#model", model)
        page.click(f"#tab-{view}")
        # In one step: between two, an element may be replaced by its successor.
        nameless, named = page.evaluate(
            """() => {
                const shown = [...document.querySelectorAll("a, button, input, select, textarea")]
                    .filter((e) => e.checkVisibility());
                const name = (e) => e.labels?.[0]?.textContent || e.ariaLabel
                    || (e.matches("a, button") ? e.textContent : "");
                const without = shown.filter((e) => !name(e).trim());
                return [without.map((e) => e.outerHTML), shown.length - without.length];
            }"""
        )
        assert nameless == []
        assert named > 4
    assert page.get_attribute("#answer", "aria-live") == "polite"
    assert page.get_attribute("html", "lang") == "en"
    assert page.locator("h1").count() == 1


def test_texts_are_shown_as_they_are_whatever_is_in_them(page: Any) -> None:
    page.fill("#field-texts", "<img src=x onerror=alert(1)>\n𝒶 <b>bold</b> text")
    run(page, "table.heat")
    assert page.locator("#answer img, #answer td b").count() == 0
    assert "<img src=x" in page.text_content("#answer tbody")


def test_a_server_with_keys_asks_for_one(browser: Any, tiny_sentence: Path) -> None:
    hashed = f"sha256:{hashlib.sha256(b'secret').hexdigest()}"
    with running({"embed": (tiny_sentence, {})}, api_keys=(hashed,)) as up:
        page = browser.new_page()
        page.goto(up.url)
        page.wait_for_selector("#key-form")
        assert "key" in page.text_content("#answer [role=alert]")
        page.fill("#key", "secret")
        page.press("#key", "Enter")
        page.wait_for_selector("#tabs button")
        run(page, "table.heat")
        assert not page.is_visible("#key-form")
        page.click("#request summary")
        assert "$BERTIE_KEY" in page.text_content("#curl")
        assert "secret" not in page.text_content("#curl")
        page.close()


def test_dark_and_light_follow_the_system_and_the_visitors_word(page: Any) -> None:
    def paper() -> str:
        return str(page.evaluate("getComputedStyle(document.body).backgroundColor"))

    page.emulate_media(color_scheme="light")
    light = paper()
    page.emulate_media(color_scheme="dark")
    assert paper() != light
    page.click("#theme")
    assert page.text_content("#theme") == "Theme: light"
    assert paper() == light
    page.reload()
    assert paper() == light


def test_nothing_overflows_a_telephone(page: Any) -> None:
    page.set_viewport_size({"width": 360, "height": 740})
    run(page, "table.heat")
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


@pytest.fixture(scope="module")
def searching(
    tmp_path_factory: pytest.TempPathFactory, tiny_bert: Path, tiny_sentence: Path
) -> Iterator[str]:
    """A server with two indexes, their model and a cross-encoder."""
    pytest.importorskip("lancedb")
    from bertie.search import Index

    directory = tmp_path_factory.mktemp("searching")
    made = Index.create(
        directory / "rows", model=load(tiny_sentence, precision="float32"), key="id"
    )
    made.add(ROWS)
    models = make_models(tmp_path_factory.mktemp("models"), tiny_bert, tiny_sentence)
    few = {name: models[name] for name in ("embed", "rank")}
    with running(few, indexes=(str(made.path), f"again={made.path}")) as up:
        yield up.url


@pytest.fixture
def search(browser: Any, searching: str) -> Iterator[Any]:
    """The tab that searches."""
    with visiting(browser, searching, "/#embed/search") as opened:
        yield opened


def test_an_index_is_searched_by_meaning_words_or_both(search: Any) -> None:
    assert search.get_attribute("#tab-search", "aria-selected") == "true"
    for mode in ("vector", "hybrid", "text"):
        search.fill("#field-query", "dogs in the park")
        search.select_option("#field-mode", mode)
        search.fill("#field-k", "2")
        run(search, ".found li")
        rows = search.locator("#answer .found li")
        assert rows.count() == (1 if mode == "text" else 2)
    assert rows.locator("p").text_content() == "two dogs run in the park"
    assert float(rows.locator(".value").text_content()) > 0
    assert rows.locator("dl").text_content() == "id3year1992langnone"


def test_a_search_is_of_the_index_chosen_the_columns_named_and_read_again(search: Any) -> None:
    assert search.locator("#field-index option").all_text_contents() == [
        "rows (4 rows)",
        "again (4 rows)",
    ]
    assert "again: text, id, year, lang" in search.text_content("#field-where-hint")
    search.select_option("#field-index", "again")
    search.select_option("#field-rerank", "rank")
    search.fill("#field-where", 'lang = en\nlang=null\nyear = 1992\nyear = "x=y"')
    assert "year" in run(search, "[role=alert]").text_content()
    search.fill("#field-where", "lang = en\nlang=null\nyear = 1992")
    run(search, ".found li")
    assert search.locator("#answer .found li").count() == 1
    search.click("#request summary")
    asked = search.text_content("#curl")
    assert "/v1/search" in asked
    assert '"index": "again"' in asked
    assert '"model"' not in asked
    search.fill("#field-where", "year = 1")
    run(search, ".note")
    assert search.text_content("#answer") == "No row matches."


def test_a_search_needs_no_mouse_and_fits_a_telephone_in_the_dark(search: Any) -> None:
    search.emulate_media(color_scheme="dark")
    search.set_viewport_size({"width": 360, "height": 740})
    search.focus("#tab-search")
    order = []
    for _ in range(7):
        search.keyboard.press("Tab")
        order.append(search.evaluate("document.activeElement.id"))
    fields = ("query", "index", "mode", "k", "rerank", "where")
    assert order == [*(f"field-{name}" for name in fields), "run"]
    for name in fields:
        assert search.evaluate(f"document.getElementById('field-{name}').labels.length") == 1
    search.focus("#field-query")
    search.keyboard.press("Control+a")
    search.keyboard.type("a child reads")
    search.keyboard.press("Control+Enter")
    search.wait_for_selector("#answer .found li")
    assert search.evaluate("document.documentElement.scrollWidth") <= 360


def test_without_indexes_there_is_nothing_to_search(page: Any) -> None:
    assert page.locator("#tab-tokens").count() == 1
    assert page.locator("#tab-search").count() == 0


def test_a_page_of_another_origin_asks_with_headers_of_its_own(
    browser: Any, url: str, tiny_sentence: Path
) -> None:
    """Let a browser decide whether a preflight and what comes after it are right."""
    elsewhere = url.replace("127.0.0.1", "localhost")  # another origin
    ask = """async ([url, body]) => {
        const headers = {
            "content-type": "application/json", "authorization": "Bearer any",
            "x-stainless-lang": "js", "X-Mine": "1"
        }
        const response = await fetch(url, {method: "POST", headers, body})
        return [response.status, response.headers.get("x-request-id"), await response.json()]
    }"""
    with running({"embed": (tiny_sentence, {})}, cors_origins=(elsewhere,)) as up:
        page = browser.new_page()
        page.goto(f"{elsewhere}/ping")
        status, id, answer = page.evaluate(ask, [f"{up.url}/v1/embeddings", '{"input": "a"}'])
        assert (status, bool(id), len(answer["data"])) == (200, True, 1)
        status, id, answer = page.evaluate(ask, [f"{up.url}/v1/embeddings", "{}"])
        assert (status, bool(id), answer["error"]["code"]) == (400, True, "invalid")
        assert page.evaluate(ask, [f"{up.url}/nothing", "{}"])[0] == 404
        page.goto(f"{url}/ping")
        with pytest.raises(Exception, match="Failed to fetch"):
            page.evaluate(ask, [f"{up.url}/v1/embeddings", '{"input": "a"}'])
        page.close()
