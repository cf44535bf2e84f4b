"""The route table: what may be reached from outside, read from the merged OpenAPI document.

What is not in it is not reachable; what it does not declare public (`security: []`) needs a token.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Literal, get_args

PREFIX = b"/api/v1"
# The same without a version.
ALIAS = b"/api"
METHODS = ("get", "put", "post", "delete", "patch", "head", "options")
DEFAULT_BODY_LIMIT = 1024 * 1024
DEFAULT_TIMEOUT = 30.0
LimitName = Literal["general", "ai", "auth"]
_REMEMBERED_PATHS = 4096
_REMEMBERED_LENGTH = 256
_PARAMETER = re.compile(r"\{[^{}/]+\}")


class BadRouteTable(Exception):
    """The document is no route table; the message says where."""


@dataclass(frozen=True, slots=True)
class Route:
    """One operation. `body_limit` in bytes, `timeout` in seconds until the answer begins."""

    method: bytes
    template: str
    service: str
    public: bool
    limit: LimitName
    body_limit: int
    timeout: float
    websocket: bool


@dataclass(slots=True)
class Place:
    """A path of the table: its operations by method, and the value of `Allow`."""

    routes: dict[bytes, Route] = field(default_factory=dict)
    children: dict[bytes, "Place"] = field(default_factory=dict)
    parameter: "Place | None" = None

    @property
    def allow(self) -> str:
        """The methods that are answered here."""
        methods = {method.decode() for method in self.routes} | {"OPTIONS"}
        return ", ".join(sorted(methods | ({"HEAD"} if b"GET" in self.routes else set())))


class RouteTable:
    """Finds the operation for a path. Literal segments win over parameters, as OpenAPI says."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self.routes = tuple(_read(document))
        self._versioned = Place()
        self._root = Place()
        self._find_short = lru_cache(maxsize=_REMEMBERED_PATHS)(self._find)
        for route in self.routes:
            path = route.template.encode()
            if path.startswith(PREFIX + b"/"):
                _plant(self._versioned, path[len(PREFIX) :], route)
            else:
                _plant(self._root, path, route)
                _plant(self._versioned, path, route)  # who puts the prefix before everything is right, too

    @property
    def services(self) -> frozenset[str]:
        """Every service that some route leads to."""
        return frozenset(route.service for route in self.routes)

    def find(self, path: bytes) -> tuple[Place, bytes] | None:
        """The place of a path, and the path as its service knows it."""
        return self._find_short(path) if len(path) <= _REMEMBERED_LENGTH else self._find(path)

    def _find(self, path: bytes) -> tuple[Place, bytes] | None:
        if path.startswith(ALIAS + b"/"):
            inner = path[len(PREFIX) :] if path.startswith(PREFIX + b"/") else path[len(ALIAS) :]
            place = _walk(self._versioned, inner.split(b"/"), 1)
            return (place, inner) if place is not None else None
        place = _walk(self._root, path.split(b"/"), 1)
        return (place, path) if place is not None else None


def _walk(place: Place, segments: list[bytes], at: int) -> Place | None:
    if at == len(segments):
        return place if place.routes else None
    segment = segments[at]
    if (child := place.children.get(segment)) is not None and (found := _walk(child, segments, at + 1)) is not None:
        return found
    if place.parameter is not None and segment:
        return _walk(place.parameter, segments, at + 1)
    return None


def _plant(place: Place, path: bytes, route: Route) -> None:
    for segment in path.split(b"/")[1:]:
        if _PARAMETER.fullmatch(segment.decode()):
            place.parameter = place.parameter or Place()
            place = place.parameter
        elif b"{" in segment:
            raise BadRouteTable(f"{route.template}: a parameter is a whole segment")
        else:
            place = place.children.setdefault(segment, Place())
    if route.method in place.routes:
        other = place.routes[route.method].template
        raise BadRouteTable(f"{route.method.decode()} {route.template} is the same path as {other}")
    place.routes[route.method] = route


def _read(document: Mapping[str, Any]) -> Iterator[Route]:
    default = document.get("security")
    for path, item in document.get("paths", {}).items():
        for method in METHODS:
            if method in item:
                yield _route(path, method, item[method], default)


def _route(path: str, method: str, operation: Mapping[str, Any], default: object) -> Route:
    where = f"{method.upper()} {path}"
    if not path.startswith("/") or not operation.get("x-service"):
        raise BadRouteTable(f"{where}: needs a path that begins with a slash, and x-service")
    limit = operation.get("x-rate-limit", "general")
    if limit not in get_args(LimitName):
        raise BadRouteTable(f"{where}: x-rate-limit {limit!r} is none of {', '.join(get_args(LimitName))}")
    return Route(
        method=method.upper().encode(),
        template=path,
        service=str(operation["x-service"]),
        # Only an explicit empty list opens a route: what says nothing is closed.
        public=operation.get("security", default) == [],
        limit=limit,
        body_limit=_positive(operation, "x-body-limit", DEFAULT_BODY_LIMIT, where, int),
        timeout=_positive(operation, "x-timeout", DEFAULT_TIMEOUT, where, float),
        websocket=operation.get("x-websocket") is True,
    )


def _positive(operation: Mapping[str, Any], name: str, default: Any, where: str, kind: type) -> Any:
    value = operation.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or value <= 0:
        raise BadRouteTable(f"{where}: {name} is no positive number: {value!r}")
    return kind(value)
