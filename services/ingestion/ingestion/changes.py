"""What changed among the passages, in an order that skips nothing.

Every passage and every tombstone carries the transaction that wrote it (`changed xid8 DEFAULT pg_current_xact_id()`).
A cursor is a PostgreSQL snapshot: the next batch is what is visible now and was not visible then. Transactions may
commit in any order; a slow one delays nobody, and its rows come when they are there. A sequence could not do that:
its numbers become visible out of order, and a reader that has passed 7 never sees a 6 that commits late.

The migration gives the tables triggers: deleting passages (also through a cascade) writes their tombstones, and every
statement that writes passages notifies CHANNEL.
"""

CHANNEL = "ingestion_passages"
