"""Pages of other origins that may ask: what browsers want to know before and after."""

from collections.abc import Iterator, Sequence

from bertie.server.http.request import Request
from bertie.server.http.response import Response

_HEADERS = "authorization, content-type, api-key, x-api-key, x-priority, x-request-id, x-timeout-ms"
_REMEMBERED_S = 600


class Cors:
    """The origins whose pages may ask."""

    def __init__(self, origins: Sequence[str]) -> None:
        """Keep the origins; "*" is every one."""
        self._any = "*" in origins
        self._origins = frozenset(origin.rstrip("/") for origin in origins)

    def headers(self, request: Request) -> Iterator[tuple[str, str]]:
        """Give the headers of a response to a page of another origin."""
        if not self._origins:
            return
        if not self._any:
            yield "vary", "origin"
        origin = request.header("origin")
        if origin and (self._any or origin in self._origins):
            yield "access-control-allow-origin", "*" if self._any else origin
            yield "access-control-expose-headers", "*"

    def preflight(self, request: Request, methods: Sequence[str]) -> Response:
        """Answer OPTIONS: what the path takes, and from whom."""
        headers = [("allow", ", ".join((*methods, "OPTIONS")))]
        if request.header("origin") and self._origins:
            headers += [
                ("access-control-allow-methods", ", ".join(methods)),
                ("access-control-allow-headers", _HEADERS),
                ("access-control-max-age", str(_REMEMBERED_S)),
            ]
        return Response(b"", 204, headers=tuple(headers))
