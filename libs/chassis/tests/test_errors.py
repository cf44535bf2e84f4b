"""Problems: stable types, statuses, and the headers that belong to them."""

import pytest
from chassis.errors import (
    TYPE_BASE,
    Conflict,
    Forbidden,
    Invalid,
    Malformed,
    NotFound,
    Problem,
    TooLarge,
    TooManyRequests,
    Unauthorized,
    Unavailable,
    UnsupportedMedia,
)


def test_a_problem_is_an_rfc_9457_document() -> None:
    assert NotFound("There is no such deck.").document("/decks/1") == {
        "type": TYPE_BASE + "not-found",
        "title": "Not found",
        "status": 404,
        "detail": "There is no such deck.",
        "instance": "/decks/1",
    }


def test_further_members_stand_beside() -> None:
    document = Conflict("Somebody was faster.", version=3).document()
    assert document["version"] == 3
    assert "instance" not in document


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        (Problem, 500),
        (Malformed, 400),
        (Unauthorized, 401),
        (Forbidden, 403),
        (NotFound, 404),
        (Conflict, 409),
        (TooLarge, 413),
        (UnsupportedMedia, 415),
        (Invalid, 422),
    ],
)
def test_each_kind_has_its_status(kind: type[Problem], status: int) -> None:
    problem = kind("A sentence.")
    assert problem.document()["status"] == status
    assert str(problem) == "A sentence."


def test_who_is_to_wait_is_told_how_long() -> None:
    assert TooManyRequests("Slowly.", retry_after=7).headers == {"Retry-After": "7"}
    assert Unavailable("Later.").headers == {"Retry-After": "5"}
    assert Unauthorized("Who?").headers == {"WWW-Authenticate": 'Bearer realm="studyteddy"'}


def test_headers_of_one_problem_are_not_anothers() -> None:
    one, two = NotFound("One."), NotFound("Two.")
    one.headers["X-One"] = "1"
    assert two.headers == {}
