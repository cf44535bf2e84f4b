"""The stack: PostgreSQL, Redis and RabbitMQ in one folder, kept by one keeper."""

import os
from pathlib import Path
from types import TracebackType
from typing import Self

from devstack.choosing import containers_wanted
from devstack.keeping import Keeper
from devstack.postgres import Postgres
from devstack.rabbitmq import RabbitMQ
from devstack.redis import Redis
from devstack.server import Server, Tuning

__all__ = ["Postgres", "RabbitMQ", "Redis", "Server", "Stack", "Tuning"]


class Stack:
    """Private servers that live in `folder`. None runs until its `start`; all end with process `owner` at the latest."""

    def __init__(
        self,
        folder: Path,
        tuning: Tuning = Tuning.FAST,
        *,
        owner: int | None = None,
        temporary: bool = False,
    ) -> None:
        self.folder = folder
        self.keeper = Keeper.open(folder, owner or os.getpid(), temporary=temporary)
        self.postgres = Postgres(self.keeper, tuning)
        self.redis = Redis(self.keeper, tuning)
        self.rabbitmq = RabbitMQ(self.keeper, tuning)
        self.contained = containers_wanted()
        if self.contained:
            self._contain(tuning, kept=not temporary)

    def _contain(self, tuning: Tuning, *, kept: bool) -> None:
        from devstack import containers  # noqa: PLC0415  # it takes a second

        self.postgres = containers.ContainedPostgres(self.keeper, tuning)
        self.redis = containers.ContainedRedis(self.keeper, tuning)
        self.rabbitmq = containers.ContainedRabbitMQ(self.keeper, tuning)
        for server in (self.postgres, self.redis, self.rabbitmq):
            server.kept = kept

    @property
    def servers(self) -> list[Server]:
        return [self.postgres, self.redis, self.rabbitmq]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Stop every server and the keeper."""
        for server in self.servers:
            server.give_up()
        self.keeper.shutdown()
