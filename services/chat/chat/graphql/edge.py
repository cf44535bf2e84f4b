"""`/graphql`: operations by POST, streams over a WebSocket."""

from typing import Annotated, Any

from chassis.errors import Invalid
from chassis.identity import CurrentUser
from chassis.upgrades import UpgradeRequired, upgrade
from fastapi import APIRouter, Request, Response, WebSocket
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field, model_validator
from strawberry.http import process_result
from strawberry.schema.exceptions import CannotGetOperationTypeError, InvalidOperationTypeError
from strawberry.types.graphql import OperationType

from chat.graphql.bounds import LONGEST
from chat.graphql.schema import SCHEMA
from chat.graphql.student import Desk, Student
from chat.graphql.transport import Sockets
from chat.limits import BODY_BYTES, BoundedRoute
from chat.streaming import leaving

router = APIRouter(tags=["graphql"], route_class=BoundedRoute)
_AT_THE_ROOT: dict[str, Any] = {"x-root": True, "x-rate-limit": "ai"}
_OVER_HTTP = frozenset((OperationType.QUERY, OperationType.MUTATION))


class GraphQLRequest(BaseModel):
    """One operation: the schema is `contracts/graphql/schema.graphql`."""

    model_config = ConfigDict(populate_by_name=True)

    query: Annotated[str, Field(min_length=1, max_length=LONGEST)]
    variables: dict[str, Any] | None = None
    operation_name: str | None = Field(None, alias="operationName", max_length=200)

    @model_validator(mode="before")
    @classmethod
    def _refuse_batches(cls, body: Any) -> Any:
        if isinstance(body, list):
            raise ValueError("send one operation at a time; it may have several fields at its root")  # noqa: TRY004
        return body


# Written out, because our models send what they have not as null, and GraphQL leaves it out.
_ANSWER: dict[str, Any] = {
    "description": "`errors` have the `type`, `title` and `status` of a problem document in their `extensions`",
    "content": {
        "application/json": {
            "schema": {
                "type": "object",
                "properties": {
                    "data": {"type": ["object", "null"]},
                    "errors": {"type": "array", "items": {"type": "object"}},
                },
            }
        }
    },
}


@router.post(
    "/graphql",
    response_class=Response,
    responses={200: _ANSWER},
    openapi_extra=_AT_THE_ROOT | {"x-timeout": 180, "x-body-limit": BODY_BYTES},
)
async def graphql(body: GraphQLRequest, request: Request, user: CurrentUser) -> JSONResponse:
    """A query or a mutation. Answered with 200 where it could be read, also with errors in it."""
    try:
        result = await SCHEMA.execute(
            body.query,
            variable_values=body.variables,
            operation_name=body.operation_name,
            context_value=Student(desk_of(request), user, leaves=leaving(request)),
            allowed_operation_types=_OVER_HTTP,
        )
    except InvalidOperationTypeError:
        raise Invalid("Subscriptions go over a WebSocket: graphql-transport-ws at this path.") from None
    except CannotGetOperationTypeError:
        raise Invalid("The query has no operation, or none of that name.") from None
    return JSONResponse(process_result(result), headers={"Cache-Control": "no-store"})


@router.get(
    "/graphql",
    status_code=426,
    response_class=Response,
    responses=upgrade("A WebSocket that speaks graphql-transport-ws"),
    openapi_extra=_AT_THE_ROOT | {"x-websocket": True, "security": []},
)
async def open_graphql_socket() -> None:
    """Open a WebSocket with the subprotocol `graphql-transport-ws`; send `{"ticket": …}` with `connection_init`."""
    raise UpgradeRequired("POST an operation here, or open a WebSocket for subscriptions.")


@router.websocket("/graphql")
async def attend(websocket: WebSocket) -> None:
    """A client's socket, from its ticket to its end."""
    sockets: Sockets = websocket.app.state.graphql_sockets
    await sockets.attend(websocket)


def desk_of(request: Request) -> Desk:
    """What operations stand on, as the composition root made it."""
    desk: Desk = request.app.state.graphql_desk
    return desk
