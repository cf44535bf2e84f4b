"""What a failed message carries onward: to its next try, to the dead letters of its consumer, and back."""

import traceback
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import uuid4

from aio_pika.abc import AbstractIncomingMessage

from mesh.envelope import ATTEMPT, PREFIX
from mesh.publishing import Outgoing
from mesh.topology import dead

REASON = "mesh-reason"
ERROR = "mesh-error"
STACK = "mesh-stack"
CONSUMER = "mesh-consumer"
FIRST_FAILED = "mesh-first-failed-at"
LAST_FAILED = "mesh-last-failed-at"
_OURS = frozenset({ATTEMPT, REASON, ERROR, STACK, CONSUMER, FIRST_FAILED, LAST_FAILED})
# All headers of a message share one frame of 128 KiB; in UTF-8 a character may be four bytes.
_LONGEST_ERROR, _LONGEST_STACK, _LONGEST_FOREIGN = 1000, 12000, 8000


def attempt_of(message: AbstractIncomingMessage) -> int:
    """Which try this is, also of a message that cannot be read otherwise."""
    attempt = message.headers.get(ATTEMPT)
    return attempt if isinstance(attempt, int) and attempt > 0 else 1


def next_try(
    message: AbstractIncomingMessage, queue: str, *, delay: float, error: Exception, now: datetime
) -> Outgoing:
    """The same message for the consumer's queue, one attempt further, in `delay` seconds."""
    headers = _failed(message, error, now) | {ATTEMPT: attempt_of(message) + 1}
    return _onward(message, queue, headers, expiration=delay)


def dead_letter(
    message: AbstractIncomingMessage, queue: str, *, reason: str, error: Exception, now: datetime
) -> Outgoing:
    """The same message for the consumer's dead letters, with all that is known of its end."""
    headers = _failed(message, error, now) | {
        ATTEMPT: attempt_of(message),
        REASON: reason,
        CONSUMER: queue,
        STACK: "".join(traceback.format_exception(error))[-_LONGEST_STACK:],
    }
    return _onward(message, dead(queue), headers)


def replayed(message: AbstractIncomingMessage, queue: str) -> Outgoing:
    """The same message for the consumer's queue alone, as if it had not been tried; when it first failed stays known."""
    headers = {name: value for name, value in _kept(message).items() if name not in _OURS or name == FIRST_FAILED}
    return _onward(message, queue, headers)


def rewritten(message: AbstractIncomingMessage, queue: str, body: bytes, headers: dict[str, Any]) -> Outgoing:
    """The same dead letter with another body, and these headers in place of its own."""
    return replace(_onward(message, dead(queue), _kept(message) | headers), body=body)


def _kept(message: AbstractIncomingMessage) -> dict[str, Any]:
    # Not the broker's own: x-death is ignored by 4.x and makes 3.10 see a cycle where there is none.
    kept = {name: value for name, value in message.headers.items() if not name.startswith("x-")}
    theirs = {name: value for name, value in kept.items() if name not in _OURS}
    if len(str(theirs)) < _LONGEST_FOREIGN:
        return kept
    # Whoever sent that is no relay of ours, and with a stack beside it, it would be more than a frame holds.
    envelope = {name: value for name, value in theirs.items() if name.startswith(PREFIX) and len(str(value)) < 500}
    return envelope | {name: value for name, value in kept.items() if name in _OURS}


def _failed(message: AbstractIncomingMessage, error: Exception, now: datetime) -> dict[str, Any]:
    kept = _kept(message)
    said = f"{type(error).__name__}: {error}"[:_LONGEST_ERROR]
    return {FIRST_FAILED: now.isoformat()} | kept | {LAST_FAILED: now.isoformat(), ERROR: said}


def _onward(
    message: AbstractIncomingMessage, queue: str, headers: dict[str, Any], expiration: float | None = None
) -> Outgoing:
    return Outgoing(
        routing_key=queue,
        message_id=message.message_id or str(uuid4()),
        headers=headers,
        body=message.body,
        expiration=expiration,
        content_type=message.content_type,
    )
