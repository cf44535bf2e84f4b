"""What a route of a WebSocket says to a request that opens none, and how its OpenAPI tells it."""

from typing import Any

from chassis.errors import PROBLEM_MEDIA_TYPE, Problem


class UpgradeRequired(Problem):
    type, status, title = "upgrade-required", 426, "Open a WebSocket here"

    def __init__(self, detail: str = "Open a WebSocket here.") -> None:
        super().__init__(detail, headers={"Upgrade": "websocket"})


def upgrade(description: str) -> dict[int | str, dict[str, Any]]:
    """The `responses` of such a route; `description` says what is spoken on the WebSocket. Give it `response_class=Response`, too."""
    problem = {PROBLEM_MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemDocument"}}}
    return {
        101: {"description": description},
        UpgradeRequired.status: {"description": "What was sent opens no WebSocket", "content": problem},
    }
