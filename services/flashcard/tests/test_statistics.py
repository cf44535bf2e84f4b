"""What the log tells."""

from datetime import date

import pytest
from flashcard.fsrs_scheduling import Fsrs
from flashcard.memory import Memory, Phase

from .desk import Desk


async def test_an_empty_log_tells_nothing(desk: Desk) -> None:
    told = await desk.student().get("/flashcards/statistics")
    assert told["retention"] == {"young": None, "mature": None, "total": None, "reviews": 0}
    assert (told["days"], told["streak"], told["forecast"], told["expected_known"]) == ([], 0, [], 0)


async def test_retention_counts_known_cards_once_a_day(desk: Desk) -> None:
    ada = desk.student()
    cards = [await ada.writes(f"Question {number}") for number in range(4)]
    for card in cards:
        await ada.reviews(card, "easy")
    desk.later(days=30)
    for card, rating in zip(cards, ("good", "good", "good", "again"), strict=True):
        await ada.reviews(card, rating, duration_ms=30_000)
    desk.later(minutes=10)
    await ada.reviews(cards[3], "good")
    told = await ada.get("/flashcards/statistics")
    assert told["retention"] == {"young": 0.75, "mature": None, "total": 0.75, "reviews": 4}
    assert [(day["reviews"], day["minutes"]) for day in told["days"]] == [(5, 2.0)]
    assert told["maturity"]["young"] + told["maturity"]["mature"] == 4


async def test_the_forecast_holds_every_known_card_within_the_period(desk: Desk) -> None:
    ada = desk.student()
    for number in range(3):
        await ada.reviews(await ada.writes(f"Question {number}"), "easy")
    await ada.writes("A new one")
    ahead = await ada.get("/flashcards/statistics", days=60)
    assert sum(day["cards"] for day in ahead["forecast"]) == 3
    assert all(day["day"] > "2026-11-26" for day in ahead["forecast"])
    desk.later(days=40)
    overdue = await ada.get("/flashcards/statistics")
    assert [(day["day"], day["cards"]) for day in overdue["forecast"]] == [("2027-01-05", 3)]


async def test_a_streak_survives_the_present_day_and_ends_with_a_gap(desk: Desk) -> None:
    ada = desk.student()
    card = await ada.writes()

    async def streak() -> int:
        counted: int = (await ada.get("/flashcards/statistics"))["streak"]
        return counted

    for _ in range(3):
        await ada.reviews(card)
        desk.later(days=1)
    assert await streak() == 3
    await ada.reviews(card)
    assert await streak() == 4
    desk.later(days=2)
    assert await streak() == 0


async def test_retrievability_falls_and_counts_each_card(desk: Desk) -> None:
    ada = desk.student()
    for number in range(5):
        await ada.reviews(await ada.writes(f"Question {number}"), "easy")
    fresh = await ada.get("/flashcards/statistics")
    assert fresh["expected_known"] == 5
    desk.later(days=365)
    later = await ada.get("/flashcards/statistics")
    assert later["expected_known"] < 4
    assert sum(later["retrievability"]) == 5


async def test_the_retention_curve_is_the_one_of_fsrs(desk: Desk) -> None:
    ada = desk.student()
    assert (await ada.get("/flashcards/statistics"))["retention_curve"] == []
    cards = [await ada.reviews(await ada.writes(f"Question {rating}"), rating) for rating in ("hard", "good", "easy")]
    desk.later(days=5)
    curve = (await ada.get("/flashcards/statistics", days=60))["retention_curve"]
    assert (curve[0]["day"], curve[-1]["day"]) == ("2026-12-01", "2027-01-30")
    for point in curve:
        chances = [
            Fsrs().retrievability(
                Memory(phase=Phase.REVIEW, stability=card["stability"], difficulty=5.0, last_day=date(2026, 11, 26)),
                date.fromisoformat(point["day"]),
            )
            for card in cards
        ]
        assert point["recalled"] == pytest.approx(sum(chance or 0 for chance in chances) / 3)


async def test_statistics_of_a_deck_are_of_what_lies_in_it(desk: Desk) -> None:
    ada, eve = desk.student(), desk.student()
    inner = await ada.post("/decks", name="A::B")
    outer = (await ada.get("/decks"))["items"][0]
    await ada.reviews(await ada.writes(deck_id=inner["id"]), "easy")
    await ada.reviews(await ada.writes("Elsewhere"), "easy")
    assert (await ada.get("/flashcards/statistics", deck_id=outer["id"]))["days"][0]["reviews"] == 1
    assert (await eve.http.get("/flashcards/statistics", params={"deck_id": outer["id"]})).status_code == 404


@pytest.mark.parametrize("gone", ["deck", "card"])
async def test_what_was_reviewed_stays_in_the_totals_when_its_deck_or_card_is_deleted(desk: Desk, gone: str) -> None:
    ada = desk.student()
    deck = await ada.post("/decks", name="A")
    card = await ada.writes(deck_id=deck["id"])
    await ada.reviews(card, "easy", duration_ms=60_000)
    desk.later(days=30)
    await ada.reviews(card, "good", duration_ms=60_000)
    before = await ada.get("/flashcards/statistics", days=60)
    path = f"/decks/{deck['id']}" if gone == "deck" else f"/flashcards/{card['id']}"
    assert (await ada.http.delete(path)).status_code == 204
    after = await ada.get("/flashcards/statistics", days=60)
    assert len(before["days"]) == 2
    kept = ("retention", "days", "streak")
    assert {name: after[name] for name in kept} == {name: before[name] for name in kept}
    assert (after["forecast"], after["expected_known"]) == ([], 0)


@pytest.mark.parametrize("days", [0, 366])
async def test_periods_have_bounds(desk: Desk, days: int) -> None:
    assert (await desk.student().http.get("/flashcards/statistics", params={"days": days})).status_code == 422
