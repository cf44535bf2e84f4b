"""Which shelf answers, which one is being filled, and which have had their time: decided from what is there, every time anew.

So a crash at any instant needs no repair: the next plan is made from the shelves and rows that it left.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from logging import getLogger

from chassis.database import Database

from ingestion.changes import newest_change
from ingestion.embedding import Embedder, EmbeddingFailed
from ingestion.following import Follower
from ingestion.rebuilding import Wish, last_wish
from ingestion.vectors import LAYOUT, Library, Progress, Shelf

log = getLogger(__name__)


@dataclass(slots=True)
class Served:
    """A shelf that answers, and the model that its questions are embedded by."""

    shelf: Shelf
    progress: Progress
    embedder: Embedder
    complete: bool = field(init=False)

    def __post_init__(self) -> None:
        self.complete = self.progress.complete

    @property
    def model(self) -> str:
        return self.progress.model


@dataclass(frozen=True, slots=True)
class Plan:
    """`served`: what answers, the best first; the others stand in where the model of the first does not answer."""

    wish: Wish
    wanted: Served | None
    served: list[Served]
    obsolete: Sequence[str]

    def followers(self, database: Database, poll: float, on_complete: Callable[[], None]) -> list[Follower]:
        """One for each shelf that answers or is to."""

        def completed(served: Served) -> None:
            served.complete = True
            on_complete()

        return [
            Follower(
                each.shelf,
                each.progress,
                database,
                each.embedder,
                keep=each is self.wanted,
                embed_up_to=self.wish.embed_up_to if each is self.wanted else 0,
                poll_seconds=poll,
                on_complete=partial(completed, each),
            )
            for each in self.served
        ]

    def overtaken(self, wish: Wish) -> bool:
        """Whether another plan is due: the wanted shelf can take over, is missing, or another is wished for."""
        if self.wanted is None or wish != self.wish:
            return True
        return self.wanted.complete and self.wanted is not self.served[0]


async def plan(
    library: Library,
    database: Database,
    embedder: Embedder,
    embedder_named: Callable[[str], Embedder | None],
    *,
    writes: bool,
) -> Plan:
    """What to do now. Makes the wanted shelf if it is missing and this process `writes`."""
    async with database.transaction() as session:
        wish, newest = await last_wish(session), await newest_change(session)
    dimensions = await _dimensions(embedder)
    every = [(shelf, await shelf.progress()) for shelf in await library.shelves()]
    there = [(shelf, progress) for shelf, progress in every if progress.layout == LAYOUT]

    def fits(progress: Progress) -> bool:
        return (
            progress.model == embedder.name
            and dimensions in (progress.dimensions, None)
            and progress.rebuild >= wish.number
            # Beyond the newest change: the database was set back to an earlier state.
            and progress.cursor <= newest
        )

    there.sort(key=lambda one: (fits(one[1]), one[1].complete, one[1].rebuild, one[1].cursor), reverse=True)
    wanted = next((Served(*one, embedder) for one in there if fits(one[1])), None)
    if wanted is None and writes and dimensions is not None:
        log.info("making an index for %s", embedder.name)
        progress = Progress(embedder.name, dimensions, wish.number)
        wanted = Served(await library.create(progress), progress, embedder)
    served = [wanted] if wanted and wanted.complete else _standing_in(there, wanted, embedder_named)
    kept = {each.shelf.name for each in served} | ({wanted.shelf.name} if wanted else set())
    return Plan(wish, wanted, served, [shelf.name for shelf, _ in every if wanted and shelf.name not in kept])


def _standing_in(
    there: Sequence[tuple[Shelf, Progress]],
    wanted: Served | None,
    embedder_named: Callable[[str], Embedder | None],
) -> list[Served]:
    """The best complete shelf of before, and then the wanted one, as far as it is filled; without that, any of before."""
    served: list[Served] = []
    for shelf, progress in there:
        if wanted is None or (progress.complete and shelf.name != wanted.shelf.name):
            if (other := embedder_named(progress.model)) is not None:
                served.append(Served(shelf, progress, other))
                break
            log.warning("the index %s cannot be asked: there is no access to %s any more", shelf.name, progress.model)
    return [*served, *([wanted] if wanted else [])]


async def _dimensions(embedder: Embedder) -> int | None:
    """None where the model cannot be asked just now: an index that is there is used all the same."""
    try:
        return await embedder.dimensions()
    except EmbeddingFailed as error:
        log.warning("the embedding model does not answer: %s", error)
        return None
