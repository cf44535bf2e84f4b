"""`mesh audit` tells what it found, whoever is silent meanwhile."""

from collections.abc import Sequence
from datetime import timedelta

from mesh.commands.audit import look_until_settled
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
