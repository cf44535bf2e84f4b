"""The route table, and the normal form of what is looked up in it."""

from typing import Any

import pytest
from chassis.errors import Malformed
from gateway.refusals import TargetTooLong
from gateway.routes import BadRouteTable, RouteTable
from gateway.settings import Settings
from gateway.targets import parse
from hypothesis import given
from hypothesis import strategies as st

from .fakes import ROUTES, operation
from .test_identity import committed_routes


def table(**paths: Any) -> RouteTable:
    return RouteTable({"paths": {path: {"get": item} for path, item in paths.items()}})


def test_what_says_nothing_about_security_is_closed() -> None:
    document = {"paths": {"/a": {"get": {"x-service": "auth"}}, "/b": {"get": {"x-service": "auth", "security": []}}}}
    assert [route.public for route in RouteTable(document).routes] == [False, True]
    assert [route.public for route in RouteTable(document | {"security": []}).routes] == [True, True]


def test_a_route_without_limits_has_the_usual_ones() -> None:
    (route,) = table(**{"/api/v1/a": operation()}).routes
    assert (route.limit, route.body_limit, route.timeout, route.websocket) == ("general", 1024 * 1024, 30.0, False)


@pytest.mark.parametrize(
    "paths",
    [
        {"/api/v1/a": {"security": []}},
        {"api/v1/a": operation()},
        {"/api/v1/a": operation(rate_limit="none")},
        {"/api/v1/a": operation(body_limit=0)},
        {"/api/v1/a": operation(body_limit="5")},
        {"/api/v1/a": operation(timeout=True)},
        {"/api/v1/{a}b": operation()},
        {"/api/v1/{a}": operation(), "/api/v1/{b}": operation()},
    ],
)
def test_a_table_that_cannot_be_meant_is_refused(paths: dict[str, Any]) -> None:
    with pytest.raises(BadRouteTable):
        table(**paths)


def test_every_service_of_the_committed_table_has_a_url() -> None:
    assert RouteTable(committed_routes()).services <= Settings().services.keys()


def test_a_literal_that_leads_nowhere_does_not_hide_a_parameter() -> None:
    found = table(**{"/api/v1/a/b/c": operation(), "/api/v1/a/{x}/d": operation()}).find(b"/api/v1/a/b/d")
    assert found is not None
    assert found[0].routes[b"GET"].template == "/api/v1/a/{x}/d"


def test_a_parameter_is_never_empty() -> None:
    assert table(**{"/api/v1/a/{x}/b": operation()}).find(b"/api/v1/a//b") is None


@given(st.binary(max_size=60))
def test_a_target_is_refused_or_has_one_reading(raw: bytes) -> None:
    try:
        target = parse(raw)
    except (Malformed, TargetTooLong):
        return
    assert b"//" not in target.path
    assert not {b".", b".."} & set(target.path.split(b"/"))
    assert target.path.startswith(b"/")
    for forbidden in (b"%2f", b"%2e", b"%5c", b"%00", b"\\", b"?", b"#", b" "):
        assert forbidden not in target.path.lower()


@given(st.binary(max_size=40))
def test_no_path_finds_what_is_inside(path: bytes) -> None:
    found = RouteTable(ROUTES).find(b"/api/v1/" + path)
    if found is not None:
        assert not found[1].startswith((b"/internal", b"/."))


def test_what_stands_at_the_root_is_found_below_the_prefix_too() -> None:
    both = table(**{"/ws/ticket": operation()})
    for path in (b"/ws/ticket", b"/api/v1/ws/ticket", b"/api/ws/ticket"):
        found = both.find(path)
        assert found is not None
        assert found[1] == b"/ws/ticket"
