"""Servers in containers. There may be no Docker engine here: the engine is a stand-in, what is asked of it is real."""

import gc
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Self

import pytest
from devstack import choosing, containers, installing
from devstack.choosing import containers_wanted
from devstack.containers import Contained, ContainedPostgres, ContainedRabbitMQ, ContainedRedis
from devstack.errors import DevstackError
from devstack.places import temporary_home
from devstack.progress import Progress
from devstack.servers import Stack


class Engine:
    """What an engine makes of a container, and what it was told."""

    def __init__(self, image: str, **kwargs: Any) -> None:
        self.told: dict[str, Any] = {"image": image, **kwargs}
        self.ports: dict[str, Any] = {}
        self.status = "created"
        self.acts: list[str] = []

    def with_command(self, command: Any) -> Self:
        self.told["command"] = command
        return self

    def with_env(self, key: str, value: str) -> Self:
        self.told[key] = value
        return self

    def with_kwargs(self, **kwargs: Any) -> Self:
        self.told |= kwargs
        return self

    def with_volume_mapping(self, host: str, container: str, mode: str) -> Self:
        self.told["volume"] = (host, container, mode)
        return self

    def start(self) -> None:
        self.act("start", "running")

    def stop(self, **kwargs: Any) -> None:
        self.act(f"remove {kwargs}", "exited")

    def exec(self, command: list[str]) -> Any:
        return SimpleNamespace(exit_code=0 if "1" in command[-1] else 1, output=f"ran {command}".encode())

    def get_logs(self) -> tuple[bytes, bytes]:
        return b"its last words\n", b""

    def get_wrapped_container(self) -> "Engine":
        return self

    def act(self, name: str, status: str) -> None:
        self.acts.append(name)
        self.status = status

    def reload(self) -> None:
        pass

    def kill(self) -> None:
        self.act("kill", "exited")

    def pause(self) -> None:
        self.act("pause", "paused")

    def unpause(self) -> None:
        self.act("unpause", "running")


@pytest.fixture
def stack(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stack]:
    monkeypatch.setenv("DEVSTACK", "containers")
    monkeypatch.setattr(containers, "engine_answers", lambda: True)
    monkeypatch.setattr(containers, "DockerContainer", Engine)
    for kind in (ContainedPostgres, ContainedRedis, ContainedRabbitMQ):
        monkeypatch.setattr(kind, "answers", lambda _: True)
    with Stack(temporary_home(), temporary=True) as stack:
        yield stack


def engine(server: Any) -> Engine:
    container = server._container
    assert isinstance(container, Engine)
    return container


def test_each_server_is_a_container_on_this_machines_address_alone(stack: Stack) -> None:
    for server, inside in zip(stack.servers, (5432, 6379, 5672), strict=True):
        server.start()
        assert engine(server).ports == {f"{inside}/tcp": ("127.0.0.1", server.ports[0])}
        assert str(server.ports[0]) in server.url
    assert engine(stack.postgres).told["POSTGRES_PASSWORD"] == stack.postgres.facts["password"]
    assert stack.redis.facts["password"] in engine(stack.redis).told["command"]


def test_it_is_killed_frozen_and_started_again_where_it_was(stack: Stack) -> None:
    redis = stack.redis
    redis.start()
    url = redis.url
    redis.freeze()
    redis.thaw()
    redis.kill()
    assert not redis.running
    redis.recover()
    assert engine(redis).acts == ["start", "pause", "unpause", "kill", "start"]
    assert redis.url == url


def test_data_that_is_to_stay_lies_in_a_volume(stack: Stack) -> None:
    assert isinstance(stack.postgres, Contained)
    stack.postgres.kept = True
    stack.postgres.start()
    volume, folder, _ = engine(stack.postgres).told["volume"]
    assert volume.startswith("studyteddy-")
    assert folder == "/var/lib/postgresql/data"


def test_it_is_removed_when_the_stack_closes(stack: Stack) -> None:
    stack.redis.start()
    container = engine(stack.redis)
    stack.close()
    assert container.acts[-1] == "remove {'delete_volume': True}"


def test_erlang_is_asked_inside_the_container(stack: Stack) -> None:
    stack.rabbitmq.start()
    assert stack.rabbitmq.evaluate("1 + 1") == "ran ['rabbitmqctl', 'eval', '1 + 1.']"
    with pytest.raises(DevstackError, match="RabbitMQ answered"):
        stack.rabbitmq.evaluate("wrong")


def test_a_container_that_ends_is_told_with_its_last_words(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ContainedRedis, "answers", lambda _: False)
    monkeypatch.setattr(Engine, "start", lambda engine: engine.act("start", "exited"))
    with pytest.raises(DevstackError, match=r"(?s)redis ended while it started.*its last words"):
        stack.redis.start()


class TestChoice:
    @pytest.fixture(autouse=True)
    def machine(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("DEVSTACK", raising=False)
        monkeypatch.setattr(installing, "FINDERS", {name: lambda: None for name in installing.PACKAGES})
        monkeypatch.setattr(installing, "may_install", lambda: False)
        monkeypatch.setattr(containers, "engine_answers", lambda: True)

    def test_an_engine_is_used_where_nothing_is_installed_and_nothing_can_be(self) -> None:
        assert containers_wanted()

    def test_installed_programs_go_first(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(installing, "FINDERS", {name: lambda: Path("/there") for name in installing.PACKAGES})
        assert not containers_wanted()

    def test_where_we_may_install_no_engine_is_asked(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(installing, "may_install", lambda: True)
        assert not containers_wanted()

    def test_no_engine_is_an_answer_only_where_it_was_asked_for(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(containers, "engine_answers", lambda: False)
        assert not containers_wanted()
        monkeypatch.setenv("DEVSTACK", "containers")
        with pytest.raises(DevstackError, match="no Docker engine answers"):
            containers_wanted()

    def test_programs_are_asked_for_only_where_they_are_used(self, monkeypatch: pytest.MonkeyPatch) -> None:
        choosing.prepare(["redis"], Progress())
        monkeypatch.setattr(containers, "engine_answers", lambda: False)
        with pytest.raises(DevstackError, match="redis not found"):
            choosing.prepare(["redis"], Progress())

    def test_another_word_is_told(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("DEVSTACK", "container")
        with pytest.raises(DevstackError, match="'container'"):
            choosing.containers_wanted()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # Docker's client forgets a socket
def test_a_client_without_an_engine_is_none(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/no-engine.sock")
    assert not containers.engine_answers()
    gc.collect()
