"""What a handler asks for is found when the consumer is built, or the process does not start."""

from datetime import UTC, datetime
from functools import partial
from typing import Any
from uuid import uuid4

import pytest
from mesh import Consumer, Envelope, Event, Subscriptions, UnresolvedParameter
from mesh.injection import bind
from sqlalchemy.ext.asyncio import AsyncSession

NOWHERE = "amqp://127.0.0.1:1"


class CardMade(Event, type="tests.card.made", version=1, aggregate="card"):
    card: str


class CardLost(Event, type="tests.card.lost", version=1, aggregate="card"):
    card: str


class Shelf:
    def __init__(self, session: Any = None) -> None:
        self.session = session


SESSION = AsyncSession()
ENVELOPE = Envelope(uuid4(), "tests", "tests.card.made.v1", "c", datetime.now(UTC), "urn:x", 1)


async def shelf_given_to_handler(provide: dict[Any, Any]) -> Shelf:
    given: list[Shelf] = []

    async def handler(event: CardMade, shelf: Shelf) -> None:
        given.append(shelf)

    await bind(handler, provide, events=(CardMade,))(CardMade(card="c", version=1), session=SESSION, envelope=ENVELOPE)
    return given[0]


async def test_value_is_given_as_it_is() -> None:
    shelf = Shelf()
    assert await shelf_given_to_handler({Shelf: shelf}) is shelf


@pytest.mark.parametrize("make", [lambda session: Shelf(session=session), partial(Shelf, SESSION)])
async def test_factory_may_take_the_deliverys_session(make: Any) -> None:
    assert (await shelf_given_to_handler({Shelf: make})).session is SESSION


async def test_factory_without_parameters_is_called_for_each_delivery() -> None:
    assert (await shelf_given_to_handler({Shelf: Shelf})).session is None


async def test_session_and_envelope_are_the_deliverys_own() -> None:
    seen: list[object] = []

    async def handler(event: CardMade, envelope: Envelope, session: AsyncSession) -> None:
        seen.extend((event.card, envelope, session))

    bound = bind(handler, {}, events=(CardMade,))
    await bound(CardMade(card="c", version=1), session=SESSION, envelope=ENVELOPE)
    assert seen == ["c", ENVELOPE, SESSION]
    assert bound.needs_session


async def test_handler_of_several_events_takes_their_union_or_base() -> None:
    async def either(event: CardMade | CardLost) -> None: ...

    async def any_event(event: Event) -> None: ...

    for handler in (either, any_event):
        assert not bind(handler, {}, events=(CardMade, CardLost)).needs_session


def test_process_does_not_start_when_a_parameter_cannot_be_made() -> None:
    bus = Subscriptions("tests")

    @bus.on(CardMade)
    async def shelve(event: CardMade, shelf: Shelf) -> None: ...

    with pytest.raises(UnresolvedParameter, match="shelve asks for shelf"):
        Consumer(bus, amqp_url=NOWHERE)


def test_process_does_not_start_when_the_handler_takes_another_event() -> None:
    bus = Subscriptions("tests")

    @bus.on(CardMade, CardLost)
    async def shelve(event: CardMade) -> None: ...

    with pytest.raises(UnresolvedParameter, match="does not take CardLost"):
        Consumer(bus, amqp_url=NOWHERE)


def test_process_does_not_start_when_a_factory_asks_for_more_than_a_session() -> None:
    bus = Subscriptions("tests")

    @bus.on(CardMade)
    async def shelve(event: CardMade, shelf: Shelf) -> None: ...

    with pytest.raises(UnresolvedParameter, match="nothing else"):
        Consumer(bus, amqp_url=NOWHERE, provide={Shelf: lambda session, owner: Shelf(session)})


def test_process_does_not_start_when_an_inbox_has_no_database() -> None:
    bus = Subscriptions("tests")

    @bus.on(CardMade)
    async def shelve(event: CardMade) -> None: ...

    with pytest.raises(UnresolvedParameter, match="needs a database"):
        Consumer(bus, amqp_url=NOWHERE)
