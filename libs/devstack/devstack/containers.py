"""The same servers in containers (testcontainers), where a Docker engine answers and there is nothing better or it is asked for.

They are driven through the engine instead of the keeper; whatever ends this process, testcontainers' reaper removes them.
"""

import contextlib
import hashlib
import importlib
from typing import Any, ClassVar, Literal, cast

from testcontainers.core.container import DockerContainer
from testcontainers.core.docker_client import DockerClient

from devstack.errors import DevstackError
from devstack.postgres import BY_TUNING, Postgres
from devstack.rabbitmq import RabbitMQ
from devstack.redis import DATABASES, Redis
from devstack.server import Server

ENGINE_SECONDS = 3
# By name, because type checkers take our folder `docker` for the package.
DockerException: type[Exception] = importlib.import_module("docker.errors").DockerException


def engine_answers() -> bool:
    """Whether there is a Docker engine; a client alone is none."""
    try:
        with contextlib.closing(DockerClient(timeout=ENGINE_SECONDS).client) as client:
            return bool(client.ping())
    except (OSError, DockerException):
        return False


class Contained(Server):
    """Control through the Docker engine, for a server whose recipe is another base class."""

    image: ClassVar[str]
    inside_port: ClassVar[int]
    data_folder: ClassVar[str]
    kept: bool = False
    """Whether data outlives the container, in a volume named after the stack's folder."""
    _container: DockerContainer | None = None

    def make(self) -> DockerContainer:
        """The container with its image, command and environment; ports and volume are added."""
        raise NotImplementedError

    @property
    def volume(self) -> str:
        return f"studyteddy-{hashlib.sha256(str(self.keeper.folder).encode()).hexdigest()[:12]}-{self.name}"

    @property
    def running(self) -> bool:
        if self._container is None:
            return False
        wrapped = self._container.get_wrapped_container()
        wrapped.reload()
        return wrapped.status in {"running", "paused"}

    def start(self) -> None:
        if self.running:
            return
        if self._container is None:
            self._choose_facts()
            self._container = self.make()
            # On this machine's own address alone, which with_bind_ports cannot say.
            ports = cast(dict[str, Any], self._container.ports)
            ports[f"{self.inside_port}/tcp"] = ("127.0.0.1", self.ports[0])
            if self.kept:
                self._container.with_volume_mapping(self.volume, self.data_folder, "rw")
            try:
                self._container.start()
            except (OSError, DockerException) as error:
                self._container = None
                raise DevstackError(f"Docker could not start {self.image}: {error}") from error
        else:
            self._container.get_wrapped_container().start()
        self._wait_until_it_answers()

    def _last_words(self) -> str:
        assert self._container is not None
        output, errors = self._container.get_logs()
        lines = (output + errors).decode(errors="replace").splitlines()[-8:]
        return "\n".join(["The end of its log:", *(f"  {line}" for line in lines)])

    def _act(self, action: Literal["kill", "pause", "unpause", "stop"]) -> None:
        if self._container is not None:
            getattr(self._container.get_wrapped_container(), action)()

    def kill(self) -> None:
        self._act("kill")

    def freeze(self) -> None:
        self._act("pause")

    def thaw(self) -> None:
        wrapped = self._container.get_wrapped_container() if self._container else None
        if wrapped and wrapped.status == "paused":
            self._act("unpause")

    def stop(self) -> None:
        self._act("stop")

    def give_up(self) -> None:
        """Remove the container; a kept volume stays."""
        if self._container is not None:
            self._container.stop(delete_volume=not self.kept)
            self._container = None

    def erase(self) -> None:
        """Remove the volume of an earlier run."""
        with contextlib.closing(DockerClient().client) as client:
            for volume in client.volumes.list(filters={"name": self.volume}):
                volume.remove()


class ContainedPostgres(Contained, Postgres):
    image = "postgres:17"
    inside_port = 5432
    data_folder = "/var/lib/postgresql/data"

    def make(self) -> DockerContainer:
        settings = {**BY_TUNING[self.tuning], "jit": "off"}
        options = [word for key, value in settings.items() for word in ("-c", f"{key}={value}")]
        return DockerContainer(self.image, command=["postgres", *options]).with_env(  # type: ignore[arg-type]  # docker takes a list
            "POSTGRES_PASSWORD", self.facts["password"]
        )


class ContainedRedis(Contained, Redis):
    image = "redis:7"
    inside_port = 6379
    data_folder = "/data"

    def make(self) -> DockerContainer:
        durable = "yes" if self.kept else "no"
        command = ["redis-server", "--requirepass", self.facts["password"], "--databases", str(DATABASES)]
        return DockerContainer(self.image).with_command([*command, "--appendonly", durable])


class ContainedRabbitMQ(Contained, RabbitMQ):
    image = "rabbitmq:4"
    inside_port = 5672
    ports_needed = 1
    data_folder = "/var/lib/rabbitmq"

    def make(self) -> DockerContainer:
        return (
            DockerContainer(self.image)
            .with_env("RABBITMQ_DEFAULT_USER", "studyteddy")
            .with_env("RABBITMQ_DEFAULT_PASS", self.facts["password"])
            .with_kwargs(hostname="studyteddy")  # its data belongs to a host of that name
        )

    def evaluate(self, expression: str) -> str:
        assert self._container is not None
        outcome = self._container.exec(["rabbitmqctl", "eval", f"{expression}."])
        if outcome.exit_code != 0:
            raise DevstackError(f"RabbitMQ answered {expression!r} with: {outcome.output.decode(errors='replace')}")
        return outcome.output.decode().strip()
