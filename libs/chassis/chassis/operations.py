"""The door for the command line `mesh`, in every service that keeps facts: inside the mesh, for the operator's token alone."""

from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

from aio_pika.exceptions import AMQPError
from fastapi import APIRouter, Depends, Request
from mesh import NotRepublished, Operations, Republished, Wish
from mesh.auditing import Arrivals, Backlog, Described, Look, NoSuchInventory, SentEvent, SentWish
from mesh.inventories import Item
from mesh.operations import OPERATOR
from mesh.republishing import NoSnapshot

from chassis.errors import Forbidden, NotFound, Unavailable
from chassis.identity import CurrentService

router = APIRouter(prefix="/internal/mesh", include_in_schema=False)


async def _operations(request: Request, service: CurrentService) -> Operations:
    if service != OPERATOR:
        raise Forbidden(f"This is for operators: `python -m mesh` asks for it with the token of {OPERATOR}.")
    operations = request.app.state.operations
    assert isinstance(operations, Operations)
    return operations


OperationsDep = Annotated[Operations, Depends(_operations)]


@router.post("/republish")
async def republish(wish: Wish, operations: OperationsDep) -> Republished:
    """Say a page of history again, to one consumer."""
    try:
        return await operations.republish(wish)
    except NoSnapshot as error:
        raise NotFound(str(error)) from error
    except NotRepublished as error:
        raise Unavailable(str(error)) from error
    except (AMQPError, OSError) as error:
        raise Unavailable("The broker cannot be reached. Run the command again.") from error


@router.get("")
async def describe(operations: OperationsDep) -> Described:
    """What `mesh audit` can ask here."""
    return operations.auditing.described()


@router.post("/inventory")
async def look(look: Look, operations: OperationsDep) -> Sequence[Item]:
    """Items of an inventory."""
    try:
        return await operations.auditing.look(look)
    except NoSuchInventory as error:
        raise NotFound(str(error)) from error


@router.get("/outbox")
async def backlog(operations: OperationsDep) -> Backlog:
    """What waits in the outbox."""
    return await operations.auditing.backlog()


@router.post("/sent")
async def sent(wish: SentWish, operations: OperationsDep) -> Sequence[SentEvent]:
    """What was sent."""
    return await operations.auditing.sent(wish)


@router.post("/missing")
async def missing(arrivals: Arrivals, operations: OperationsDep) -> Sequence[UUID]:
    """Which of these events a consumer has not taken."""
    return await operations.auditing.missing(arrivals)
