"""An event gets a new meaning while the mesh runs: old and new versions travel side by side, and each consumer takes what it knows."""

from uuid import uuid4

from aio_pika.abc import AbstractChannel
from devstack.waiting import until
from mesh import Consumer, Event, Outbox, Relay, Subscriptions, Topology
from pydantic import Field
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from .home import Home
from .roles import running


class CardMade(Event, type="tests.card.made", version=1, aggregate="card"):
    """One side of a card."""

    card: str
    question: str


class CardMadeInFull(Event, type="tests.card.made", version=2, aggregate="card"):
    """Both sides: `question` has become a list of texts, which no reader of version 1 would understand."""

    card: str
    sides: list[str]


class CardMadeWithTags(Event, type="tests.card.made", version=1, aggregate="card"):
    """Version 1 as a later release of its producer knows it, with an optional field more."""

    card: str
    question: str
    tags: list[str] = Field(default_factory=list)


def services() -> tuple[Subscriptions, Subscriptions]:
    """One that knows both versions, and one that was written before the second."""
    modern, old = Subscriptions("modern"), Subscriptions("old")

    @modern.on(CardMade, CardMadeInFull)
    async def keep_card(event: CardMade | CardMadeInFull, session: AsyncSession) -> None:
        sides = event.sides if isinstance(event, CardMadeInFull) else [event.question]
        await note(session, f"modern {event.card} {'|'.join(sides)}")

    @old.on(CardMade)
    async def file_card(event: CardMade, session: AsyncSession) -> None:
        await note(session, f"old {event.card} {event.question}")

    return modern, old


async def note(session: AsyncSession, what: str) -> None:
    await session.execute(text("INSERT INTO effects (note) VALUES (:note)"), {"note": what})


async def test_consumer_of_both_versions_takes_both_and_an_old_one_its_own(
    home: Home, amqp_url: str, broker: AbstractChannel
) -> None:
    modern, old = services()
    topology = Topology.of(modern, old)
    consumers = [Consumer(bus, amqp_url=amqp_url, database=home) for bus in (modern, old)]
    async with running(Relay("tests", database=home, amqp_url=amqp_url, topology=topology), *consumers):
        await home.say(CardMade(card="a", question="What?", version=1))
        async with home.transaction() as session:
            # While anybody takes only version 1, the producer says both.
            said = [
                CardMade(card="b", question="Why?", version=1),
                CardMadeInFull(card="b", sides=["Why?", "So"], version=1),
            ]
            await Outbox(session, "tests").add(*said)
        await home.say(CardMadeInFull(card="c", sides=["Who?", "I"], version=1))

        async def all_there() -> bool:
            return len(await home.effects()) >= 6

        await until(all_there)
    assert await home.effects() == [
        "modern a What?", "modern b Why?", "modern b Why?|So", "modern c Who?|I", "old a What?", "old b Why?"
    ]  # fmt: skip
    for queue in ("modern.keep_card.dead", "old.file_card.dead"):
        assert (await broker.declare_queue(queue, passive=True)).declaration_result.message_count == 0


async def test_optional_field_is_compatible_both_ways_over_the_wire(home: Home, amqp_url: str) -> None:
    new = Subscriptions("new")

    @new.on(CardMadeWithTags)
    async def tag_card(event: CardMadeWithTags, session: AsyncSession) -> None:
        await note(session, f"new {event.card} {event.tags}")

    _, old = services()
    consumers = [Consumer(bus, amqp_url=amqp_url, database=home) for bus in (new, old)]
    relay = Relay("tests", database=home, amqp_url=amqp_url, topology=Topology.of(new, old))
    older, newer = str(uuid4()), str(uuid4())
    async with running(relay, *consumers):
        await home.say(CardMade(card=older, question="?", version=1))
        await home.say(CardMadeWithTags(card=newer, question="?", tags=["x"], version=1))

        async def all_there() -> bool:
            return len(await home.effects()) >= 4

        await until(all_there)
    expected = {f"new {older} []", f"new {newer} ['x']", f"old {older} ?", f"old {newer} ?"}
    assert set(await home.effects()) == expected
