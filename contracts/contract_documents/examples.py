"""A golden payload of each event: what a consumer of that version must still understand in years."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from mesh import Event

from contracts import auth, chat, ingestion, notifier

USER = UUID("018f3b2e-0000-7000-8000-000000000001")
AUTH_SESSION = UUID("018f3b2e-0000-7000-8000-000000000002")
DOCUMENT = UUID("018f3b2e-0000-7000-8000-000000000003")
STUDY_SESSION = UUID("018f3b2e-0000-7000-8000-000000000004")
MESSAGE = UUID("018f3b2e-0000-7000-8000-000000000005")
NOTIFICATION = UUID("018f3b2e-0000-7000-8000-000000000007")
TITLE = "Introduction to Sociology"


def example_of(event: type[Event]) -> Event:
    """The example; raises `LookupError` with what to do for an event that has none."""
    for example in _examples():
        if type(example) is event:
            return example
    raise LookupError(f"{event.__name__} has no example: add one to contract_documents/examples.py")


def _examples() -> list[Event]:
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
        chat.SessionStarted(version=1, session_id=STUDY_SESSION, user_id=USER, mode="tutor", document_ids=[DOCUMENT]),
        chat.MessageAnswered(
            version=2,
            message_id=MESSAGE,
            session_id=STUDY_SESSION,
            user_id=USER,
            citations=[chat.Cited(document_id=DOCUMENT, page=11)],
            offline=False,
        ),
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
        notifier.NotificationDelivered(
            version=1, notification_id=NOTIFICATION, user_id=USER, kind="document_ready", channel="in_app"
        ),
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
