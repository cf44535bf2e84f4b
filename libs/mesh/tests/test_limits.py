"""Limits of a handler: written in code, overruled by an operator, and refused with a sentence where they make no sense."""

import pytest
from mesh import Event, Limits, Subscriptions, UnknownHandler


class PageTurned(Event, type="tests.page.turned", version=1, aggregate="page"):
    page: str


def bus() -> Subscriptions:
    bus = Subscriptions("reader")

    @bus.on(PageTurned, prefetch=30, concurrency=3)
    async def note_page(event: PageTurned) -> None: ...

    @bus.broadcast(PageTurned)
    async def show_page(event: PageTurned) -> None: ...

    return bus


def applied(written: str) -> list[tuple[int, int]]:
    limits = Limits.parse(written).expect(bus())
    return [(entry.prefetch, entry.concurrency) for entry in map(limits.applied, bus().describe())]


def test_limits_are_those_of_the_code_where_the_operator_says_nothing() -> None:
    assert applied("") == applied(" , ") == [(30, 3), (100, 100)]


def test_an_operator_overrules_the_prefetch_or_the_concurrency_too() -> None:
    assert applied("note_page=50") == [(50, 3), (100, 100)]
    assert applied(" note_page = 50/10, show_page=7/1,") == [(50, 10), (7, 1)]


@pytest.mark.parametrize(
    ("written", "sentence"),
    [
        ("note_page", "'note_page' is not handler=prefetch"),
        ("note_page=", "is not handler=prefetch"),
        ("note_page=many", "is not handler=prefetch"),
        ("note_page=-1", "is not handler=prefetch"),
        ("note_page=10/", "is not handler=prefetch"),
        ("note_page=10;show_page=1", "is not handler=prefetch"),
        ("note_page=0", "prefetch of note_page is 0, and must be from 1 to 65535"),
        ("note_page=70000", "prefetch of note_page is 70000"),
        ("note_page=10/0", "concurrency of note_page is 0"),
        ("note_page=1,note_page=2", "note_page is limited twice"),
    ],
)
def test_what_is_no_limit_is_refused(written: str, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        Limits.parse(written)


def test_a_wrong_handler_is_told_with_those_that_there_are() -> None:
    with pytest.raises(UnknownHandler, match=r"^note_pag is no handler of reader. There is: note_page, show_page$"):
        Limits.parse("note_pag=10").expect(bus())


@pytest.mark.parametrize(("prefetch", "concurrency"), [(0, 1), (65536, 1), (20, 0)])
def test_code_is_held_to_the_same_limits(prefetch: int, concurrency: int) -> None:
    with pytest.raises(ValueError, match="must be from 1 to 65535"):

        @Subscriptions("reader").on(PageTurned, prefetch=prefetch, concurrency=concurrency)
        async def note_page(event: PageTurned) -> None: ...
