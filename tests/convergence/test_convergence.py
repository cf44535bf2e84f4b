"""Any order, repetition and delay of a history ends in the same state at every consumer, and no handler is left out."""

import random
from collections.abc import Sequence

import pytest
from contract_documents.parts import subscriptions
from devstack.service_databases import empty
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mesh.subscriptions import Kind

from .copies import COPIES, KEEP_NOTHING
from .harness import Copy, Delivery, deliver, deliveries, disturbed


@pytest.mark.timeout(180)
@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data(), seed=st.integers(0, 2**32))
async def test_any_order_repetition_and_delay_ends_in_the_same_state(
    copy: Copy, data: st.DataObject, seed: int
) -> None:
    history = data.draw(copy.histories())
    ordered = deliveries(copy, history)
    expected = await state_after(copy, [[one] for one in ordered])
    found = await state_after(copy, disturbed(ordered, random.Random(seed)))
    assert found == expected
    assert expected, "a history that leaves nothing behind shows nothing"


async def state_after(copy: Copy, groups: Sequence[Sequence[Delivery]]) -> object:
    """What is left of it in an empty schema."""
    await empty(copy.database)
    await copy.prepare()
    await deliver(copy, groups)
    return await copy.state()


def test_every_handler_of_the_mesh_is_run_through_it() -> None:
    every = {one.queue: one for bus in subscriptions() for one in bus.describe()}
    covered = {f"{kind.service}.{name}" for kind in COPIES for name in kind.handlers}
    left_out = every.keys() - covered - KEEP_NOTHING.keys()
    assert not left_out, (
        f"{', '.join(sorted(left_out))}: give it a history in tests/convergence/copies_of_<service>.py, so that it is known to "
        "end in the same state in whatever order, and however often, it hears what happened"
    )
    assert covered | KEEP_NOTHING.keys() <= every.keys(), "a handler that is gone needs no history"


def test_only_a_broadcast_may_keep_nothing() -> None:
    durable = {one.queue for bus in subscriptions() for one in bus.describe() if one.kind is Kind.DURABLE}
    assert not durable & KEEP_NOTHING.keys()


def test_every_event_that_a_handler_takes_is_in_its_histories() -> None:
    told = {(kind.service, type(event)) for kind in COPIES for history in sampled(kind) for event in history}
    taken = {
        (kind.service, event)
        for kind in COPIES
        for one in kind.bus.describe()
        if one.name in kind.handlers
        for event in one.events
    }
    assert taken <= told, f"no history tells {sorted((service, e.__name__) for service, e in taken - told)}"


def sampled(kind: type[Copy]) -> list[Sequence[object]]:
    """Some of its histories."""
    found: list[Sequence[object]] = []

    @settings(max_examples=60, database=None, derandomize=True, suppress_health_check=list(HealthCheck))
    @given(kind.histories())
    def collect(history: Sequence[object]) -> None:
        found.append(history)

    collect()
    return found
