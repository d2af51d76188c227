"""CORS: pages of other origins that may ask, as browsers want to know before and after."""

import re
from collections.abc import Iterator, Sequence

from bertie.server.http.request import Request
from bertie.server.http.response import Response

_REQUESTED = "access-control-request-"
# What a page is told that it may send where its browser doesn't say what it wants to.
_HEADERS = "authorization, content-type, api-key, x-api-key, x-priority, x-request-id, x-timeout-ms"
# Of older browsers, which take the asterisk for a name.
_EXPOSED = "*, retry-after, x-request-id, x-compute-tokens, x-total-time, x-truncated-inputs"
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,256}")
_LONGEST = 4096  # characters of a list of headers
_MAX_AGE_S = 600


class Cors:
    """The origins whose pages may ask."""

    def __init__(self, origins: Sequence[str]) -> None:
        """Keep the origins; "*" is every one."""
        self._any = "*" in origins
        self._origins = frozenset(origin.rstrip("/") for origin in origins)

    def headers(self, request: Request) -> Iterator[tuple[str, str]]:
        """Give the headers of a response to a page of another origin."""
        if self._origins and not self._any:
            yield "vary", "origin"
        if self._allows(request):
            origin = "*" if self._any else request.header("origin")
            yield "access-control-allow-origin", origin
            yield "access-control-expose-headers", _EXPOSED

    def preflight(self, request: Request, methods: Sequence[str]) -> Response:
        """Answer OPTIONS: what the path takes, and from whom.

        Args:
            methods: that the path has; none where there is no such path, of which a page is to
                be told by the request itself.
        """
        headers = [("allow", ", ".join((*methods, "OPTIONS")))]
        if self._allows(request):
            wanted = request.header(f"{_REQUESTED}method")
            if not methods and _TOKEN.fullmatch(wanted):
                methods = (wanted,)
            headers += [
                ("access-control-allow-methods", ", ".join(methods)),
                (
                    "access-control-allow-headers",
                    _allowed_headers(request.header(f"{_REQUESTED}headers")),
                ),
                ("access-control-max-age", str(_MAX_AGE_S)),
                ("vary", f"{_REQUESTED}method, {_REQUESTED}headers"),
            ]
            if request.header(f"{_REQUESTED}private-network") == "true":
                headers.append(("access-control-allow-private-network", "true"))
        return Response(b"", 204, headers=tuple(headers))

    def _allows(self, request: Request) -> bool:
        """Tell whether a request is that of a page that may ask."""
        origin = request.header("origin")
        return bool(origin) and (self._any or origin in self._origins)


def _allowed_headers(requested: str) -> str:
    """Say which headers are taken: all that are asked for, where those are names of headers."""
    names = [name.strip(" \t").lower() for name in requested[: _LONGEST + 1].split(",")]
    sound = len(requested) <= _LONGEST and all(map(_TOKEN.fullmatch, names))
    return ", ".join(dict.fromkeys(names)) if sound else _HEADERS
