"""Routes: a table of records, and the way from a path to one of them."""

import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from bertie.server.http.api import Api
from bertie.server.http.errors import RequestError


@dataclass(frozen=True)
class Route:
    """One method of one path.

    Attributes:
        method: HTTP's.
        path: with {name} where one part goes, {name:path} where several may.
        handle: answers, given the request's Context and, where it has one, its body.
        api: the one that it belongs to.
        request_type: the type of the body, or None where there is none.
        response_type: the type of the response's body.
        guard: who may ask: "key", anybody with a key; "admin"; "health" and "metrics", anybody
            where the settings say so; "public", anybody.
        task: what its model is for, where it asks one; counted under that name.
        media_type: of the response.
        other_error_type: the type of its errors' bodies, where it isn't the API's.
    """

    method: str
    path: str
    handle: Callable[..., Awaitable[Any]]
    api: Api
    request_type: Any = None
    response_type: Any = None
    guard: str = "key"
    task: str | None = None
    media_type: str = "application/json"
    other_error_type: Any = None

    @property
    def error_type(self) -> Any:
        """The type of its errors' bodies."""
        return self.other_error_type or self.api.error_type

    @property
    def summary(self) -> str:
        """What it does, in a sentence."""
        return (self.handle.__doc__ or "").strip().split("\n")[0]


class Router:
    """Finds the route of a request."""

    def __init__(self, routes: Iterable[Route]) -> None:
        """Sort routes by whether their path is fixed."""
        self.routes = tuple(routes)
        self._fixed: dict[str, dict[str, Route]] = {}
        patterns: dict[str, dict[str, Route]] = {}
        for route in self.routes:
            group = patterns if "{" in route.path else self._fixed
            group.setdefault(route.path, {})[route.method] = route
        self._patterns = [(_pattern(path), methods) for path, methods in patterns.items()]

    def find(self, method: str, path: str) -> tuple[Route, Mapping[str, str]]:
        """Find a route.

        Args:
            method: HEAD is a GET whose body is not sent.
            path: decoded.
        Returns: the route, and the parts of the path by name.
        Raises: RequestError: there is none, or not by this method.
        """
        wanted = "GET" if method == "HEAD" else method
        methods, params = self._methods(path)
        if methods is None:
            raise RequestError(
                "no_route", f"there is nothing at {path}; see /docs for what there is"
            )
        if wanted not in methods:
            raise MethodNotAllowed(method, path, tuple(methods))
        return methods[wanted], params

    def allowed(self, path: str) -> tuple[str, ...]:
        """List the methods that a path has."""
        methods, _ = self._methods(path)
        return tuple(methods or ())

    def _methods(self, path: str) -> tuple[Mapping[str, Route] | None, Mapping[str, str]]:
        """Find the routes of a path by method, also behind a slash too many."""
        methods, params = self._exactly(path)
        if methods is None and path.endswith("/"):
            methods, params = self._exactly(path.rstrip("/"))
            # A page's own links are relative, and would lead elsewhere from there.
            if methods and any(route.media_type == "text/html" for route in methods.values()):
                return None, {}
        return methods, params

    def _exactly(self, path: str) -> tuple[Mapping[str, Route] | None, Mapping[str, str]]:
        """Find the routes of just this path."""
        if path in self._fixed:
            return self._fixed[path], {}
        for pattern, methods in self._patterns:
            if match := pattern.fullmatch(path):
                return methods, match.groupdict()
        return None, {}


class MethodNotAllowed(RequestError):
    """A path is asked by a method that it doesn't have.

    Attributes:
        allowed: those that it has.
    """

    def __init__(self, method: str, path: str, allowed: tuple[str, ...]) -> None:
        """Name those that it has."""
        super().__init__("no_method", f"{path} has no {method}, but {', '.join(allowed)}")
        self.allowed = allowed


def _pattern(path: str) -> re.Pattern[str]:
    """Turn {name} into a group of one part, {name:path} into one of several."""
    parts = re.split(r"(\{\w+(?::path)?\})", path)
    return re.compile(
        "".join(_group(part) if part.startswith("{") else re.escape(part) for part in parts)
    )


def _group(part: str) -> str:
    """Turn one placeholder into a group."""
    name, _, several = part.strip("{}").partition(":")
    return f"(?P<{name}>[^/](?:.*[^/])?)" if several else f"(?P<{name}>[^/]+)"
