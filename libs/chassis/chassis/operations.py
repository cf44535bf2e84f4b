"""The door for the command line `mesh`, in every service that keeps facts: inside the mesh, for the operator's token alone."""

from typing import Annotated

from aio_pika.exceptions import AMQPError
from fastapi import APIRouter, Depends, Request
from mesh import NotRepublished, Operations, Republished, Wish
from mesh.operations import OPERATOR

from chassis.errors import Forbidden, Unavailable
from chassis.identity import CurrentService

router = APIRouter(prefix="/internal/mesh", include_in_schema=False)


def _operations(request: Request, service: CurrentService) -> Operations:
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
    except NotRepublished as error:
        raise Unavailable(str(error)) from error
    except (AMQPError, OSError) as error:
        raise Unavailable("The broker cannot be reached. Run the command again.") from error
