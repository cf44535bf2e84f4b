"""What an operator's command may ask of a service: its history said again, and what it knows."""

from mesh.database import Database
from mesh.republishing import Republished, Republishing, Wish
from mesh.snapshots import Snapshots

# The name under which the command line `mesh` asks, and gets its tokens from auth.
OPERATOR = "mesh"


class Operations:
    """One service's answers to the command line `mesh`; the composition root makes it, chassis serves it."""

    def __init__(self, service: str, *, database: Database, amqp_url: str, snapshots: Snapshots | None = None) -> None:
        self.service = service
        self._republishing = Republishing(
            service, database=database, amqp_url=amqp_url, snapshots=snapshots or Snapshots()
        )

    async def republish(self, wish: Wish) -> Republished:
        """Say a page of what is wished for again. Raises `NotRepublished`."""
        return await self._republishing.page(wish)
