"""What an operator's command may ask of a service: its history said again, and what it knows."""

from mesh.auditing import Auditing
from mesh.database import Database
from mesh.inventories import Inventories
from mesh.republishing import Republished, Republishing, Wish
from mesh.snapshots import Snapshots
from mesh.subscriptions import Subscriptions

# The name under which the command line `mesh` asks, and gets its tokens from auth.
OPERATOR = "mesh"


class Operations:
    """One service's answers to the command line `mesh`; the composition root makes it, chassis serves it."""

    def __init__(
        self,
        service: str,
        *,
        database: Database,
        amqp_url: str,
        snapshots: Snapshots | None = None,
        inventories: Inventories | None = None,
        bus: Subscriptions | None = None,
    ) -> None:
        self.service = service
        self.auditing = Auditing(database, inventories or Inventories(), bus)
        self._republishing = Republishing(
            service, database=database, amqp_url=amqp_url, snapshots=snapshots or Snapshots()
        )

    async def republish(self, wish: Wish) -> Republished:
        """Say a page of what is wished for again. Raises `NotRepublished` and `NoSnapshot`."""
        return await self._republishing.page(wish)
