"""Flashcards: decks, cards, the queue of the day, reviews.

A review says how well a card was recalled, by one of four buttons or SuperMemo's quality of 0 to 5; `GET /flashcards/due` gives what is
to be studied now, with what each button would do. Give each review an `id` of the device's own: sent twice, or late, it counts once and in its
own time.
"""

from chassis.personal_data import export_router

from flashcard.api import cards, decks, drafts, reviews, statistics, transfer, trash

routers = (
    transfer.router,
    decks.router,
    statistics.router,
    drafts.router,
    trash.router,
    cards.router,
    reviews.router,
    export_router("flashcard"),
)
