"""A scenario: students work while something is broken, then the books are compared with the ledger, and a later message arrives."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from random import Random

from .books import opened
from .campus import Campus
from .ledger import Ledger
from .student import Student, enrolled

STUDENTS = 3
PASSERS_BY = 2
"""Who sign up, study for a while and delete their accounts, one after the other."""
SETTLING_SECONDS = 150.0


class Scenario:
    """What a test is given. Inside `load()` students work; it ends with everything being in order."""

    def __init__(self, campus: Campus, chance: Random) -> None:
        self.campus = campus
        self.chance = chance
        self.students: list[Student] = []
        """Who is at work, and last who does only what a test says."""

    @asynccontextmanager
    async def load(self, students: int = STUDENTS) -> AsyncIterator[Ledger]:
        """Students work while the block runs. After it, what was accepted was applied once, and what comes later arrives."""
        async with opened(self.campus.mesh) as books:
            ledger = await books.new_ledger()
        async with AsyncExitStack() as stack:
            self.students = [
                await stack.enter_async_context(enrolled(self.campus.mesh.url, ledger, self._chance_of_its_own()))
                for _ in range(students + 1)
            ]
            async with self._at_work(self.students[:-1], ledger):
                yield ledger
            assert not (fallen := self.campus.fallen()), f"{fallen} ended, although nobody killed them"
            over = time.monotonic()
            await self._in_order(ledger)
            settled = time.monotonic() - over
            await self._everything_is_found(self.students, ledger)
            await self._a_later_message_arrives(ledger)
            await self._in_order(ledger)
        await asyncio.to_thread(self.campus.command, "audit")
        print(f"in order {settled:.1f} s after the last request: {ledger}")

    async def pause(self, least: float, most: float) -> None:
        """Wait for a random instant."""
        await asyncio.sleep(self.chance.uniform(least, most))

    @asynccontextmanager
    async def _at_work(self, students: list[Student], ledger: Ledger) -> AsyncIterator[None]:
        over = asyncio.Event()

        async def work(student: Student) -> None:
            await student.upload()
            while not over.is_set():
                await student.study()

        async def pass_by(chance: Random) -> None:
            for _ in range(PASSERS_BY):
                async with enrolled(self.campus.mesh.url, ledger, chance) as student:
                    await student.upload()
                    await student.study()
                    await student.leave()
                if over.is_set():
                    return

        async with asyncio.TaskGroup() as working:
            for student in students:
                working.create_task(work(student))
            working.create_task(pass_by(self._chance_of_its_own()))
            try:
                yield
            finally:
                over.set()

    async def _in_order(self, ledger: Ledger) -> None:
        deadline = time.monotonic() + SETTLING_SECONDS
        async with opened(self.campus.mesh) as books:
            while wrong := await books.wrong(ledger):
                shown = "\n  ".join(wrong[:20])
                assert time.monotonic() < deadline, f"after {SETTLING_SECONDS:g} s, of {ledger}:\n  {shown}"
                await asyncio.sleep(0.3)

    async def _everything_is_found(self, students: list[Student], ledger: Ledger) -> None:
        """The index has every passage, once, and none of a deleted document."""
        of = {student.id: student for student in students}
        found = await asyncio.gather(*(of[known.owner].find(document) for document, known in ledger.documents.items()))
        for (document, known), passages in zip(ledger.documents.items(), found, strict=True):
            assert len(passages) == (0 if known.deleted else 1), f"{document} is found {len(passages)} times; {known}"

    async def _a_later_message_arrives(self, ledger: Ledger) -> None:
        async with enrolled(self.campus.mesh.url, ledger, self._chance_of_its_own()) as student:
            document = await student.upload()
            await student.until_told_of(document)
            assert (await student.ask_about(document))["citations"]

    def _chance_of_its_own(self) -> Random:
        return Random(self.chance.random())
