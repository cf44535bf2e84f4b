"""What rows of chat say to the mesh, when it happens and whenever it is said again."""

from typing import cast

from contracts.chat import Cited, FlashcardsProposed, MessageAnswered, Mode, ProposedCard, SessionStarted

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


def answered(answer: Message) -> MessageAnswered:
    """A question has its whole answer."""
    cited = [Cited(document_id=citation["document_id"], page=citation["page"]) for citation in answer.citations]
    return MessageAnswered(
        version=answer.version,
        message_id=answer.id,
        session_id=answer.session_id,
        user_id=answer.user_id,
        citations=cited,
        offline=answer.model is None,
    )


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
