"""Histories of documents and users, as ingestion and auth may tell of them."""

from typing import Any
from uuid import UUID, uuid4

from contracts.auth import UserDeleted, UserEmailVerified, UserExportRequested, UserProfileChanged, UserRegistered
from contracts.ingestion import DocumentDeleted, DocumentFailed, DocumentProcessed
from hypothesis import strategies as st
from mesh import LAST_VERSION, Event

ADA, GRACE = uuid4(), uuid4()
OWNERS = st.sampled_from([ADA, GRACE])
TITLES = st.sampled_from(["Cells", "Cells, revised", "Supply and demand"])


@st.composite
def documents(draw: st.DrawFn) -> list[Event]:
    """Some documents: read or not readable, tried again, and perhaps deleted, which a snapshot may say, too."""
    history: list[Event] = []
    for _ in range(draw(st.integers(1, 3))):
        document, owner, version = uuid4(), draw(OWNERS), 1
        # The first can be read at once, so that every history leaves something behind.
        readings = draw(st.lists(st.booleans(), min_size=1, max_size=3))
        for is_read in readings if history else [True, *readings[1:]]:
            version += 1
            history.append(_read(document, owner, version, draw(TITLES), is_read=is_read))
        if draw(st.booleans()):
            history.append(DocumentDeleted(document_id=document, user_id=owner, version=version + 1))
            if draw(st.booleans()):
                history.append(DocumentDeleted(document_id=document, user_id=owner, version=LAST_VERSION))
    return history


def _read(document: UUID, owner: UUID, version: int, title: str, *, is_read: bool) -> Event:
    known: dict[str, Any] = {"document_id": document, "user_id": owner, "version": version, "title": title}
    if is_read:
        return DocumentProcessed(**known, content_version=version, pages=3, passages=9)
    return DocumentFailed(**known, code="document-damaged", detail="It is damaged.")


@st.composite
def users(draw: st.DrawFn) -> list[Event]:
    """Users who sign up, change what is known of them, verify their address, and perhaps leave. The first stays."""
    history: list[Event] = []
    for number in range(draw(st.integers(1, 3))):
        user = uuid4()
        history.append(UserRegistered(version=1, **profile(user, name="Ada")))
        verified = False
        changes = draw(st.lists(st.sampled_from(["Ada Lovelace", "Countess of Lovelace", None]), max_size=3))
        for version, name in enumerate(changes, start=2):
            verified = verified or name is None
            said = profile(user, name=name or "Ada", email_verified=verified, day_starts_at=version)
            kind = UserEmailVerified if name is None else UserProfileChanged
            history.append(kind(version=version, **said))
        if number and draw(st.booleans()):
            history += leaving(user, version=len(changes) + 2)
    return history


def leaving(user: UUID, version: int) -> list[Event]:
    """A user who takes everything along and goes, which a snapshot says, too."""
    return [
        UserExportRequested(version=1, export_id=uuid4(), user_id=user),
        UserDeleted(version=version, user_id=user),
        UserDeleted(version=LAST_VERSION, user_id=user),
    ]


@st.composite
def left_behind(draw: st.DrawFn, told: st.SearchStrategy[list[Event]]) -> list[Event]:
    """What is told of `ADA` and `GRACE`, one of whom may leave at its end."""
    history = draw(told)
    exported = UserExportRequested(version=1, export_id=uuid4(), user_id=ADA)
    return [*history, exported, *(leaving(GRACE, 9) if draw(st.booleans()) else [])]


def profile(user: UUID, **more: Any) -> dict[str, Any]:
    """A whole profile."""
    usual = {"email": f"{user.hex[:8]}@example.org", "name": "Ada", "time_zone": "Europe/London", "day_starts_at": 4}
    return {"user_id": user, "roles": ["student"], "email_verified": False} | usual | more
