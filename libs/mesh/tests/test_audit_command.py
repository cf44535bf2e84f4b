"""`mesh audit` tells what it found, whoever is silent meanwhile."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta

from devstack.line import Line
from mesh.broker import connected
from mesh.commands.audit import look_until_settled
from mesh.commands.deliveries import BrokerCheck
from mesh.commands.findings import Finding
from mesh.commands.services import NotAnswered


class Shelf:
    """A check that finds something until the look with this number, and is not answered at the other."""

    def __init__(self, *, settles: int = 99, falls_silent: int = 99) -> None:
        self.looks = 0
        self.seen = "shelf"
        self._settles = settles
        self._falls_silent = falls_silent

    async def look(self) -> None:
        self.looks += 1
        if self.looks >= self._falls_silent:
            raise NotAnswered("chat cannot be reached")

    @property
    def findings(self) -> Sequence[Finding]:
        return [] if self.looks >= self._settles else [Finding("document", "1", "ready", "nothing", "mend it")]


async def test_one_that_falls_silent_is_told_once_and_takes_nothing_from_the_others() -> None:
    drifts, settles = Shelf(), Shelf(settles=2)
    silent, dies = Shelf(falls_silent=1), Shelf(falls_silent=2)
    unasked: list[str] = []
    made = await look_until_settled([silent, drifts, dies, settles], timedelta(seconds=0.05), unasked, every=0.01)
    assert made == [drifts, settles]
    assert [bool(check.findings) for check in made] == [True, False]
    assert (silent.looks, dies.looks, settles.looks) == (1, 2, 2)
    assert unasked == ["chat cannot be reached"] * 2


async def test_broker_that_breaks_half_way_takes_nothing_from_what_was_found(amqp_line: Line) -> None:
    drifts, later = Shelf(), Shelf()
    async with connected(amqp_line.url, "audit") as connection:
        unasked: list[str] = []
        queue = BrokerCheck(connection, "desk.file_card")
        await queue.look()
        assert [finding.about for finding in queue.findings] == ["queue"]
        await amqp_line.down()
        made = await look_until_settled([drifts, queue, later], timedelta(0), unasked)
    assert made == [drifts, later]
    assert [said.partition(":")[0] for said in unasked] == ["the broker"]


async def test_broker_that_breaks_in_the_middle_of_a_question(amqp_line: Line) -> None:
    async with connected(amqp_line.url, "audit") as connection:
        unasked: list[str] = []
        queue = BrokerCheck(connection, "desk.file_card")
        amqp_line.forget()  # the question gets no answer
        asyncio.get_running_loop().call_later(0.3, amqp_line.cut)
        drifts = Shelf()
        assert await look_until_settled([queue, drifts], timedelta(0), unasked) == [drifts]
    assert [said.partition(":")[0] for said in unasked] == ["the broker"]
