"""The pages: the OpenAPI document, the page that shows it, and the page that tries the models."""

from collections.abc import Awaitable, Callable
from functools import cache
from pathlib import Path

from bertie.server.http.api import BERTIE
from bertie.server.http.context import Context
from bertie.server.http.response import Response
from bertie.server.http.route import Route
from bertie.server.page import POLICY, PageFile, files

# The page that shows the document loads nothing from elsewhere.
_POLICY = ("content-security-policy", "default-src 'self'; frame-ancestors 'none'")
_FILES = Path(__file__).parent.parent / "docs"
_TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript"}


async def document(context: Context) -> Response:
    """Give the OpenAPI document of this server."""
    return Response(context.state.openapi)


@cache
def _content(name: str) -> bytes:
    """Read one of the page's files."""
    return (_FILES / name).read_bytes()


def _file(name: str, says: str) -> Callable[[Context], Awaitable[Response]]:
    """Make the handler of one of the page's files."""
    kind = f"{_TYPES[Path(name).suffix]}; charset=utf-8"

    async def handle(context: Context) -> Response:
        return Response(_content(name), media_type=kind, headers=(_POLICY,))

    handle.__doc__ = says
    return handle


def _route(path: str, name: str, says: str) -> Route:
    """Make the route of one of the page's files."""
    media_type = _TYPES[Path(name).suffix]
    return Route(
        "GET", path, _file(name, says), BERTIE, None, str, guard="public", media_type=media_type
    )


def _page(path: str, file: PageFile) -> Route:
    """Make the route of one of the files of the page at /."""

    async def handle(context: Context) -> Response:
        """Give a file of the page that tries the models."""
        policy = ("content-security-policy", POLICY)
        return Response(file.content, media_type=file.content_type, headers=(policy,))

    media_type = file.content_type.partition(";")[0]
    return Route("GET", path, handle, BERTIE, None, str, guard="public", media_type=media_type)


ROUTES = (
    Route("GET", "/openapi.json", document, BERTIE, guard="public"),
    _route("/docs", "index.html", "Show the document."),
    _route("/docs/page.js", "page.js", "Draw the document."),
    _route("/docs/style.css", "style.css", "Style the document."),
    *(_page(path, file) for path, file in files().items()),
)
