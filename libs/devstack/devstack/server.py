"""What the three servers have in common: found or started once, shared by name, killed, frozen and started again."""

import json
import shutil
import time
from abc import ABC, abstractmethod
from enum import StrEnum
from pathlib import Path
from typing import Any, ClassVar

from devstack import installing
from devstack.errors import DevstackError
from devstack.keeping import Keeper, locked
from devstack.places import passage_folder, private_folder, system_user, write_private
from devstack.ports import free_ports, is_free
from devstack.processes import Spec

READY_SECONDS = 60.0


class Tuning(StrEnum):
    FAST = "fast"
    """For tests: what is written may be lost with the machine, and is thrown away at the end."""
    DURABLE = "durable"
    """For people and for fault tests: what was confirmed survives a crash."""


class Server(ABC):
    """A private server on 127.0.0.1. `start` makes it answer; the same data and address come back after each restart."""

    name: ClassVar[str]
    account: ClassVar[str]
    ports_needed: ClassVar[int] = 1

    def __init__(self, keeper: Keeper, tuning: Tuning) -> None:
        self.keeper = keeper
        self.tuning = tuning
        self.home = keeper.folder / self.name
        self._facts_file = keeper.folder / f"{self.name}.json"

    @property
    @abstractmethod
    def url(self) -> str:
        """Where clients connect, password included."""

    @abstractmethod
    def specs(self) -> list[Spec]:
        """The processes that make up the server, in the order of their start; the last one carries the server's name."""

    @abstractmethod
    def prepare(self) -> None:
        """Write configuration, and make the data folder if there is none."""

    @abstractmethod
    def answers(self) -> bool:
        """Whether it takes work now."""

    @abstractmethod
    def new_facts(self) -> dict[str, Any]:
        """What is chosen once and kept with the data, such as a password."""

    @property
    def facts(self) -> dict[str, Any]:
        """Ports and passwords, the same for every process that uses this server."""
        facts: dict[str, Any] = json.loads(self._facts_file.read_text())
        return facts

    @property
    def ports(self) -> list[int]:
        ports: list[int] = self.facts["ports"]
        return ports

    @property
    def user(self) -> str | None:
        return system_user(self.account)

    @property
    def log(self) -> Path:
        return self.keeper.folder / "logs" / f"{self.name}.log"

    @property
    def running(self) -> bool:
        """Whether its process is there (frozen or not)."""
        return self.keeper.runs(self.name)

    def start(self) -> None:
        """Start it unless it runs; returns when it answers. Several processes may ask at once."""
        with locked(self.keeper.folder / f"{self.name}.lock"):
            if self.running:
                return
            installing.require(self.name)
            passage_folder(self.log.parent)
            self._discard_half_made()
            private_folder(self.home, self.user)
            if not self.keeper.knows(self.name):
                # Once per life of the stack: clients find a server that was killed where it was.
                self._choose_facts()
            self.prepare()
            self._start_processes()
            self._complete.touch()

    @property
    def _complete(self) -> Path:
        return self.keeper.folder / f"{self.name}.complete"

    def _discard_half_made(self) -> None:
        # A first start that was cut short leaves data that no server accepts, and that holds nothing yet.
        if self.home.exists() and not self._complete.exists():
            shutil.rmtree(self.home)

    def _choose_facts(self) -> None:
        facts = self.facts if self._facts_file.exists() else self.new_facts()
        ports = facts.get("ports", [])
        if len(ports) != self.ports_needed or not all(is_free(port) for port in ports):
            facts["ports"] = free_ports(self.ports_needed)
        write_private(self._facts_file, json.dumps(facts))

    def _start_processes(self) -> None:
        for spec in self.specs():
            if not self.keeper.runs(spec.name):
                self.keeper.start(spec)
        self._wait_until_it_answers()

    def _wait_until_it_answers(self) -> None:
        deadline = time.monotonic() + READY_SECONDS
        while not self.answers():
            if not self.running:
                raise DevstackError(f"{self.name} ended while it started. {self._last_words()}")
            if time.monotonic() > deadline:
                raise DevstackError(f"{self.name} did not answer within {READY_SECONDS:g} s. {self._last_words()}")
            time.sleep(0.05)

    def _last_words(self) -> str:
        lines = self.log.read_text(errors="replace").splitlines() if self.log.exists() else []
        return "\n".join([f"The end of {self.log}:", *(f"  {line}" for line in lines[-8:])])

    def kill(self) -> None:
        """As a crash does it: SIGKILL for all of its processes."""
        self.keeper.ask("kill", name=self.name)

    def freeze(self) -> None:
        """It keeps its connections and answers nobody, until `thaw`."""
        self.keeper.ask("freeze", name=self.name)

    def thaw(self) -> None:
        self.keeper.ask("thaw", name=self.name)

    def stop(self) -> None:
        """As an operator does it: finish, then end."""
        self.keeper.ask("stop", name=self.name)

    def restart(self) -> None:
        """Stop if it runs, then start on the same data and address; returns when it answers."""
        if self.running:
            self.stop()
        self.start()

    def give_up(self) -> None:  # noqa: B027  # the keeper stops what it keeps
        """Called when the stack closes."""

    def erase(self) -> None:  # noqa: B027  # likewise
        """Remove data that does not lie in the stack's folder."""

    def recover(self) -> None:
        """Whatever was done to it, make it answer."""
        self.start()  # and where another process is just starting it, wait for that
        self.thaw()
