"""A golden payload of each event: what a consumer of that version must still understand in years."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

from mesh import Event

from contracts import auth, chat, flashcard, ingestion, notifier

USER = UUID("018f3b2e-0000-7000-8000-000000000001")
AUTH_SESSION = UUID("018f3b2e-0000-7000-8000-000000000002")
DOCUMENT = UUID("018f3b2e-0000-7000-8000-000000000003")
STUDY_SESSION = UUID("018f3b2e-0000-7000-8000-000000000004")
MESSAGE = UUID("018f3b2e-0000-7000-8000-000000000005")
CARD = UUID("018f3b2e-0000-7000-8000-000000000007")
NOTE = UUID("018f3b2e-0000-7000-8000-000000000008")
DECK = UUID("018f3b2e-0000-7000-8000-000000000009")
NOTIFICATION = UUID("018f3b2e-0000-7000-8000-000000000007")
EXPORT = UUID("018f3b2e-0000-7000-8000-00000000000c")
TITLE = "Introduction to Sociology"
CULTURE_SHOCK = "Culture shock is the disorientation that people feel in an unfamiliar culture."
DUE_DECKS = [flashcard.DueDeck(name="Biology", cards=8), flashcard.DueDeck(name="History", cards=4)]

ERASED = (
    chat.ChatDataErased,
    flashcard.FlashcardDataErased,
    ingestion.IngestionDataErased,
    notifier.NotifierDataErased,
)
EXPORTED = (
    chat.ChatDataExported,
    flashcard.FlashcardDataExported,
    ingestion.IngestionDataExported,
    notifier.NotifierDataExported,
)


def example_of(event: type[Event]) -> Event:
    """The example; raises `LookupError` with what to do for an event that has none."""
    for example in _examples():
        if type(example) is event:
            return example
    raise LookupError(f"{event.__name__} has no example: add one to contract_documents/examples.py")


def _examples() -> Iterator[Event]:
    for examples in (
        _of_users,
        _of_documents,
        _of_sessions,
        _of_studying,
        _of_cards,
        _of_notifications,
        _of_personal_data,
    ):
        yield from examples()


def _of_users() -> list[Event]:
    return [
        auth.UserRegistered(version=1, **_profile("Ada")),
        auth.UserProfileChanged(version=2, **_profile("Ada Lovelace")),
        auth.UserEmailVerified(version=3, **_profile("Ada Lovelace") | {"email_verified": True}),
        auth.EmailRequested(
            version=1,
            request_id=UUID("018f3b2e-0000-7000-8000-000000000006"),
            user_id=USER,
            kind="verify_email",
            email="ada@example.org",
            name="Ada Lovelace",
            sealed_link="1.gAAAAABn-a-sealed-link",
            expires_at=datetime(2026, 11, 21, 12, 0, tzinfo=UTC),
        ),
        auth.SessionRevoked(
            version=2,
            session_id=AUTH_SESSION,
            user_id=USER,
            reason="logout",
            tokens_expire_at=datetime(2026, 11, 20, 12, 15, tzinfo=UTC),
        ),
    ]


def _of_documents() -> list[Event]:
    return [
        ingestion.DocumentUploaded(
            version=1, document_id=DOCUMENT, user_id=USER, title=TITLE, kind="pdf", bytes=133430
        ),
        ingestion.DocumentProgressed(
            version=2, document_id=DOCUMENT, user_id=USER, progress=0.4, pages_read=8, pages=20
        ),
        ingestion.DocumentProcessed(
            version=3, document_id=DOCUMENT, user_id=USER, title=TITLE, content_version=1, pages=20, passages=61
        ),
        ingestion.DocumentFailed(
            version=3,
            document_id=DOCUMENT,
            user_id=USER,
            title=TITLE,
            code="document-scanned",
            detail="The pages are pictures without text. Upload a version with text, or run text recognition first.",
        ),
        ingestion.DocumentDeleted(version=4, document_id=DOCUMENT, user_id=USER),
    ]


def _of_sessions() -> list[Event]:
    return [
        chat.SessionStarted(version=1, session_id=STUDY_SESSION, user_id=USER, mode="tutor", document_ids=[DOCUMENT]),
        chat.MessageAsked(
            message_id=MESSAGE,
            session_id=STUDY_SESSION,
            question_id=UUID("018f3b2e-0000-7000-8000-000000000007"),
            user_id=USER,
            attempt=1,
        ),
        chat.MessageAnswered(
            version=2,
            message_id=MESSAGE,
            session_id=STUDY_SESSION,
            user_id=USER,
            citations=[chat.Cited(document_id=DOCUMENT, page=11)],
            offline=False,
        ),
    ]


def _of_studying() -> list[Event]:
    return [
        chat.ExplanationAssessed(
            version=2,
            message_id=MESSAGE,
            session_id=STUDY_SESSION,
            user_id=USER,
            concept="culture shock",
            attempt=2,
            supported=3,
            contradicted=1,
            unspoken=0,
            missing=[
                chat.MissingPoint(text="Culture shock passes in stages.", document_id=DOCUMENT, page=11),
            ],
            coverage=0.75,
        ),
        chat.RecallGraded(
            version=2,
            message_id=MESSAGE,
            session_id=STUDY_SESSION,
            user_id=USER,
            concept="culture shock",
            question="Which term means: “the disorientation that people feel in an unfamiliar culture”?",
            reference_answer=CULTURE_SHOCK,
            grade=1,
            source=chat.RecallSource(document_id=DOCUMENT, document_title=TITLE, page=11, part=11, quote=CULTURE_SHOCK),
            offline=True,
            graded_at=datetime(2026, 11, 20, 18, 30, tzinfo=UTC),
            card=chat.ProposedCard(
                question="Which term means: “the disorientation that people feel in an unfamiliar culture”?",
                answer="Culture shock",
                document_id=DOCUMENT,
                document_title=TITLE,
                page=11,
                part=11,
                quote=CULTURE_SHOCK,
            ),
        ),
        chat.FlashcardsProposed(
            version=1,
            proposal_id=UUID("018f3b2e-0000-7000-8000-00000000000b"),
            user_id=USER,
            document_id=DOCUMENT,
            cards=[
                chat.ProposedCard(
                    question="What is socialization?",
                    answer="The process through which people learn to be proficient members of a society.",
                    document_id=DOCUMENT,
                    document_title=TITLE,
                    page=3,
                    part=3,
                    quote="Socialization is the process through which people are taught to be proficient members of a society.",
                )
            ],
            offline=True,
        ),
    ]


def _of_cards() -> list[Event]:
    return [
        flashcard.CardCreated(
            version=1,
            card_id=CARD,
            note_id=NOTE,
            deck_id=DECK,
            user_id=USER,
            question="What is socialization?",
            answer="The process through which people learn to be proficient members of a society.",
            tags=["sociology"],
            document_id=DOCUMENT,
        ),
        flashcard.CardReviewed(
            version=2,
            card_id=CARD,
            deck_id=DECK,
            user_id=USER,
            review_id=UUID("018f3b2e-0000-7000-8000-00000000000a"),
            rating="good",
            reviewed_at=datetime(2026, 11, 20, 12, 0, tzinfo=UTC),
            day=date(2026, 11, 20),
            duration_ms=4200,
            due_day=date(2026, 11, 23),
        ),
        flashcard.ReviewUndone(
            version=3, card_id=CARD, user_id=USER, review_id=UUID("018f3b2e-0000-7000-8000-00000000000a")
        ),
        flashcard.DeckShared(version=2, deck_id=DECK, user_id=USER, name="Sociology::Culture", cards=42),
        flashcard.ReviewsDue(
            version=1,
            user_id=USER,
            day=date(2026, 11, 23),
            reviews=12,
            new=5,
            day_ends_at=datetime(2026, 11, 24, 3, 0, tzinfo=UTC),
            since=datetime(2026, 11, 23, 10, 0, tzinfo=UTC),
            decks=DUE_DECKS,
            more_decks=2,
        ),
        flashcard.ReviewsCleared(version=2, user_id=USER, day=date(2026, 11, 23)),
    ]


def _of_notifications() -> list[Event]:
    return [
        notifier.NotificationDelivered(
            version=1, notification_id=NOTIFICATION, user_id=USER, kind="document_ready", channel="in_app"
        ),
        notifier.NotificationWithdrawn(version=2, notification_id=NOTIFICATION, user_id=USER),
        notifier.NotificationFailed(
            version=2,
            notification_id=NOTIFICATION,
            user_id=USER,
            kind="verify_email",
            channel="email",
            code="refused",
            detail="The mail server refused the mail for this address.",
        ),
        notifier.ReviewReminderRaised(
            version=1,
            notification_id=NOTIFICATION,
            user_id=USER,
            due_version=1,
            day=date(2026, 11, 23),
            reviews=12,
            new=5,
            decks=DUE_DECKS,
            more_decks=2,
            expires_at=datetime(2026, 11, 23, 21, 0, tzinfo=UTC),
        ),
    ]


def _of_personal_data() -> list[Event]:
    return [
        auth.UserDeleted(version=4, user_id=USER),
        auth.UserExportRequested(version=1, export_id=EXPORT, user_id=USER),
        *(erased(version=1, user_id=USER) for erased in ERASED),
        *(exported(version=1, export_id=EXPORT, user_id=USER, size=20480) for exported in EXPORTED),
    ]


def _profile(name: str) -> dict[str, Any]:
    return {
        "user_id": USER,
        "email": "ada@example.org",
        "name": name,
        "time_zone": "Europe/London",
        "day_starts_at": 4,
        "roles": ["student"],
    }
