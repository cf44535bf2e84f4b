"""GraphQL over a WebSocket: graphql-transport-ws, for clients that mean well and those that do not."""

import json
from datetime import timedelta
from typing import Any

from chassis.errors import Problem, Unauthorized
from chassis.tickets import Tickets
from graphql import GraphQLError
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState
from strawberry.asgi import GraphQL
from strawberry.exceptions import ConnectionRejectionError
from strawberry.subscriptions import GRAPHQL_TRANSPORT_WS_PROTOCOL
from strawberry.subscriptions.protocols.graphql_transport_ws.handlers import BaseGraphQLTransportWSHandler
from strawberry.subscriptions.protocols.graphql_transport_ws.types import Message, SubscribeMessage

from chat.graphql.failures import told
from chat.graphql.schema import SCHEMA
from chat.graphql.sockets import OpenSocket, OpenSockets
from chat.graphql.student import Desk, Student

_PATIENCE = timedelta(seconds=10)
_AT_ONCE = 10
_FORBIDDEN = 4403
_LONGEST_ID = 200


class SocketStudent(Student):
    """The context of a WebSocket."""

    def __init__(self, desk: Desk, websocket: WebSocket) -> None:
        super().__init__(desk)
        self.websocket = websocket
        self.place: OpenSocket | None = None


class Handler(BaseGraphQLTransportWSHandler[SocketStudent, None]):
    """Strawberry's, which takes the form of a message for granted."""

    async def handle_message(self, message: Message) -> None:
        """Refuse what is no message, then go on."""
        if _is_message(message):
            await super().handle_message(message)
        else:
            await self.handle_invalid_message("This is no message of graphql-transport-ws")

    async def handle_subscribe(self, message: SubscribeMessage) -> None:
        """Begin an operation, as far as the student's quota goes."""
        if self.connection_acknowledged and message["id"] not in self.operations:
            try:
                self.view.sockets.charge(self.context.known.id)  # type: ignore[attr-defined]  # the view is ours
            except Problem as problem:
                error = told(GraphQLError(problem.detail, original_error=problem))
                await self.send_message({"id": message["id"], "type": "error", "payload": [error.formatted]})
                return
        await super().handle_subscribe(message)


class Sockets(GraphQL[SocketStudent, None]):
    """A WebSocket from its ticket to its end. Who opened it is said once, with `connection_init`."""

    graphql_transport_ws_handler_class = Handler

    def __init__(self, desk: Desk, tickets: Tickets, sockets: OpenSockets) -> None:
        super().__init__(
            SCHEMA,
            graphql_ide=None,
            subscription_protocols=[GRAPHQL_TRANSPORT_WS_PROTOCOL],
            connection_init_wait_timeout=_PATIENCE,
            max_subscriptions_per_connection=_AT_ONCE,
            allowed_origins=["*"],  # the gateway looks at the origin, and no cookie says who it is
        )
        self.sockets = sockets
        self._desk = desk
        self._tickets = tickets

    async def attend(self, websocket: WebSocket) -> None:
        """Serve one until it ends."""
        context = SocketStudent(self._desk, websocket)
        try:
            await self.run(websocket, context=context)
        except (WebSocketDisconnect, OSError):
            return  # the client is gone
        finally:
            if context.place is not None:
                self.sockets.leave(context.place)

    async def on_ws_connect(self, context: SocketStudent) -> dict[str, object] | None:
        """Take the ticket of `connection_init`."""
        try:
            ticket = (context.connection_params or {}).get("ticket")
            if not isinstance(ticket, str):
                raise Unauthorized("Send a ticket with connection_init: POST /ws/ticket gives one.")
            principal = await self._tickets.redeem(ticket)

            async def close(reason: str) -> None:
                if context.websocket.application_state is WebSocketState.CONNECTED:
                    await context.websocket.close(_FORBIDDEN, reason)

            context.place = self.sockets.admit(principal, close)
        except Problem as refusal:
            raise ConnectionRejectionError from refusal
        context.user = context.place.user
        return None

    def decode_json(self, data: str | bytes) -> object:
        """As JSON; what is nested too deeply is none."""
        try:
            return json.loads(data)
        except RecursionError:
            raise json.JSONDecodeError("nested too deeply", "", 0) from None


def _is_message(message: Any) -> bool:
    if not isinstance(message, dict) or not isinstance(message.get("type"), str):
        return False
    if message["type"] not in ("subscribe", "complete"):
        return True
    identity, payload = message.get("id"), message.get("payload")
    if not isinstance(identity, str) or len(identity) > _LONGEST_ID:
        return False
    if message["type"] == "complete":
        return True
    return (
        isinstance(payload, dict)
        and isinstance(payload.get("query"), str)
        and isinstance(payload.get("variables"), dict | None)
        and isinstance(payload.get("operationName"), str | None)
    )
