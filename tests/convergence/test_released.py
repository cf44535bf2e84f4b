"""Whatever was ever released is still applied by the handlers of today: queues, outboxes and dead letters may hold it."""

from collections.abc import Iterator
from uuid import uuid4

import pytest
from contract_documents.__main__ import ROOT
from contracts.auth import EmailRequested, UserRegistered
from devstack.service_databases import empty
from mesh import Event
from mesh.inbox import receive

from .copies_of_notifier import RING
from .harness import Copy, Delivery, deliver, deliveries


@pytest.mark.timeout(180)
async def test_every_released_payload_is_applied_by_each_handler_that_takes_it(copy: Copy) -> None:
    golden = list(released(copy))
    assert {type(one.event) for one in golden} == {event for one in copy.subscriptions() for event in one.events}
    for one in golden:
        await empty(copy.database)
        await copy.prepare()
        # All of them are about one user, of whom some handlers wait to hear.
        await deliver(copy, [*([heard] for heard in deliveries(copy, payloads(UserRegistered))), [one]])
        if one.subscription.inbox:
            async with copy.database.transaction() as session:
                assert not await receive(session, one.subscription.queue, one.event_id), one.event


def released(copy: Copy) -> Iterator[Delivery]:
    """Each on its way to each handler of the copy that takes it."""
    for subscription in copy.subscriptions():
        for event in subscription.events:
            for payload in payloads(event):
                yield Delivery(subscription, openable(payload), uuid4())


def payloads(event: type[Event]) -> list[Event]:
    """As the bus reads them."""
    paths = sorted((ROOT / "released" / event.routing_key).glob("*.example.json"))
    return [event.model_validate_json(path.read_bytes()) for path in paths]


def openable(event: Event) -> Event:
    """A golden seal was made by nobody's key."""
    if isinstance(event, EmailRequested):
        return event.model_copy(update={"sealed_link": RING.seal("http://localhost/#token=1")})
    return event
