"""What auth knows, for `mesh audit`: every user, and who is gone."""

from chassis.personal_data import KEPT
from mesh.inventories import GONE, Inventories
from sqlalchemy import Integer, literal, null, select, union_all
from sqlmodel import col

from auth.models import Account, Erasure

inventories = Inventories()
inventories.owns(
    "user",
    union_all(
        select(col(Account.id), col(Account.version), literal(KEPT)),
        select(col(Erasure.user_id), null().cast(Integer), literal(GONE)),
    ),
)
