"""What rows of chat say to the mesh, when it happens and whenever it is said again."""

from datetime import datetime
from typing import cast

from contracts.chat import Cited, FlashcardsProposed, MessageAnswered, Mode, ProposedCard, RecallGraded, SessionStarted
from mesh import Event

from chat.models import Message, Proposal, StudySession


def started(session: StudySession) -> SessionStarted:
    """A student began to study."""
    return SessionStarted(
        version=session.version,
        session_id=session.id,
        user_id=session.user_id,
        mode=cast(Mode, session.mode),
        document_ids=session.document_ids,
    )


def answered(answer: Message, *, followed: bool = False) -> MessageAnswered:
    """A question has its whole answer. Whether it was followed is known as it happens, and not said again."""
    cited = [Cited(document_id=citation["document_id"], page=citation["page"]) for citation in answer.citations]
    return MessageAnswered(
        version=answer.version,
        message_id=answer.id,
        session_id=answer.session_id,
        user_id=answer.user_id,
        citations=cited,
        offline=answer.model is None,
        followed=followed,
    )


def of_message(event: Event, version: int, now: datetime) -> Event:
    """What a mode tells of a message, with the version that the message has in the end, and the time of it."""
    at = {"graded_at": now} if isinstance(event, RecallGraded) else {}
    return event.model_copy(update={"version": version, **at})


def proposed(proposal: Proposal) -> FlashcardsProposed:
    """A student asked for cards."""
    return FlashcardsProposed(
        version=1,
        proposal_id=proposal.id,
        user_id=proposal.user_id,
        session_id=proposal.session_id,
        document_id=proposal.document_id,
        cards=[ProposedCard.model_validate(card) for card in proposal.cards],
        offline=proposal.model is None,
    )
