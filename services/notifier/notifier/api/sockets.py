"""The WebSocket that tells every open tab what happens, and its tickets."""

import asyncio
import re
from typing import Annotated, Any
from uuid import uuid4

from chassis.database import Database
from chassis.errors import PROBLEM_MEDIA_TYPE, Problem
from chassis.identity import CurrentUser, user_of
from chassis.upgrades import UpgradeRequired, upgrade
from fastapi import APIRouter, Query, Response, WebSocket
from starlette.responses import JSONResponse
from starlette.websockets import WebSocketDisconnect

from notifier import frames
from notifier.api.parts import TicketsDep
from notifier.catching_up import untold
from notifier.hub import Connection, Hub
from notifier.notifications import Notifications
from notifier.presence import Attendance
from notifier.schemas import TicketOut

router = APIRouter(tags=["live"])
_AT_THE_ROOT: dict[str, Any] = {"x-root": True}
TOO_SLOW = 4008
_GOODBYE_SECONDS = 5.0
_NUMBER = re.compile("[0-9]{1,18}")
# Nothing that a client says is of interest, so it is listened to at leisure: a flood is held back in its own connection.
_BETWEEN_MESSAGES = 0.05


@router.post("/ws/ticket", status_code=201, openapi_extra=_AT_THE_ROOT)
async def issue_socket_ticket(user: CurrentUser, tickets: TicketsDep) -> TicketOut:
    """A ticket to open one WebSocket with, soon."""
    ticket = await tickets.issue(user.token)
    return TicketOut(ticket=ticket, expires_in=int(tickets.life.total_seconds()))


@router.get(
    "/ws",
    status_code=426,
    response_class=Response,
    responses=upgrade("A WebSocket that tells what happens, as described above"),
    openapi_extra=_AT_THE_ROOT | {"x-websocket": True, "security": []},
)
async def open_socket(
    ticket: Annotated[str, Query(description="From `POST /ws/ticket`")],
    after: Annotated[int | None, Query(description="The `number` of the last notification that is known")] = None,
) -> None:
    """Open a WebSocket."""
    raise UpgradeRequired


@router.websocket("/ws")
async def attend(websocket: WebSocket) -> None:
    """A tab, from its ticket to its end."""
    state = websocket.app.state
    hub: Hub = state.hub
    attendance: Attendance = state.attendance
    try:
        holder = user_of(await state.tickets.redeem(websocket.query_params.get("ticket", "")))
        connection = hub.admit(holder.id)
    except Problem as refusal:
        await _refuse(websocket, refusal)
        return
    try:
        greeting = await _greeting(websocket, hub, connection, attendance)
        # The gateway ends the socket with this session.
        await websocket.accept(headers=[(b"x-studyteddy-session", str(holder.session_id).encode())])
        await _converse(websocket, connection, greeting)
    except Problem as refusal:
        await _refuse(websocket, refusal)
    finally:
        if hub.leave(connection):
            await attendance.leave(holder.id)


async def _refuse(websocket: WebSocket, refusal: Problem) -> None:
    document = refusal.document(websocket.url.path)
    answer = JSONResponse(document, refusal.status, headers=refusal.headers, media_type=PROBLEM_MEDIA_TYPE)
    await websocket.send_denial_response(answer)


async def _greeting(websocket: WebSocket, hub: Hub, connection: Connection, attendance: Attendance) -> list[str]:
    """The first frames. As soon as it is known where the client stands, the socket hears pushes: what comes in between is read here."""
    database: Database = websocket.app.state.database
    now = websocket.app.state.clock()
    async with database.transaction() as session:
        await attendance.arrive(session, connection.user_id)
        notifications = Notifications(session, connection.user_id)
        newest, unread = await notifications.newest(), await notifications.unread()
    connection.known = known = _place(websocket.query_params.get("after", ""), newest)
    async with hub.turn(connection.user_id):
        missed = connection.take(await untold(database, connection.user_id, known, now))
    return [frames.hello(uuid4(), now, newest=newest, unread=unread), *missed]


def _place(after: str, newest: int) -> int:
    """Where a client stands by its own word; at the newest where that is no number, or too long for one."""
    return min(int(after), newest) if _NUMBER.fullmatch(after) else newest


async def _converse(websocket: WebSocket, connection: Connection, greeting: list[str]) -> None:
    """Until the client goes, or does not keep up."""
    ends = [
        asyncio.create_task(_write(websocket, connection, greeting)),
        asyncio.create_task(_listen(websocket)),
        asyncio.create_task(connection.too_slow.wait()),
    ]
    try:
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in ends:
            task.cancel()
        outcomes = await asyncio.gather(*ends, return_exceptions=True)
    if connection.too_slow.is_set():
        await _say_goodbye(websocket)
    for outcome in outcomes:
        if isinstance(outcome, Exception) and not isinstance(outcome, WebSocketDisconnect | OSError):
            raise outcome


async def _write(websocket: WebSocket, connection: Connection, greeting: list[str]) -> None:
    for frame in greeting:
        await websocket.send_text(frame)
    while True:
        await websocket.send_text(await connection.next())


async def _listen(websocket: WebSocket) -> None:
    while True:
        if (await websocket.receive())["type"] == "websocket.disconnect":
            return
        await asyncio.sleep(_BETWEEN_MESSAGES)


async def _say_goodbye(websocket: WebSocket) -> None:
    # It did not read what it was sent, so it may not read this either.
    try:
        async with asyncio.timeout(_GOODBYE_SECONDS):
            await websocket.close(TOO_SLOW, "too-slow")
    except (TimeoutError, OSError, RuntimeError, WebSocketDisconnect):
        return
