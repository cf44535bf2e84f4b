"""`make run`: the mesh in the foreground, until Ctrl-C."""

import os
import re
import signal
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import psutil

from devstack import dotenv
from devstack.choosing import prepare
from devstack.errors import DevstackError
from devstack.keeping import STOP_SECONDS, Keeper, wait_for
from devstack.local_mesh import AlreadyRunning, LocalMesh
from devstack.parts import EDGE, EDGE_PORT, Part
from devstack.places import data_home
from devstack.ports import is_free
from devstack.progress import Progress
from devstack.supervision import Supervisor

SERVERS = {"DATABASE_URL": "postgres", "REDIS_URL": "redis", "AMQP_URL": "rabbitmq"}


class Stopped(BaseException):
    """The person at the keyboard, or the system, wants the mesh to end."""


def run(root: Path, parts: tuple[Part, ...], progress: Progress) -> None:
    """Start, announce, supervise; returns after a clean stop."""
    given = environment(root, progress)
    check_alone(root, progress)
    check_port(int_port(given))
    with interruptible() as stop:
        mesh: LocalMesh | None = None
        try:
            prepare([server for name, server in SERVERS.items() if not given.get(name)], progress)
            mesh = LocalMesh(root / ".local", given, parts=parts, progress=progress)
            mesh.start()
            progress.say(banner(mesh, root))
            Supervisor(mesh, progress.say).watch(stop)
        except Stopped:
            pass
        except DevstackError as error:
            raise DevstackError("\n".join([str(error), *where_it_stands(str(error), root)])) from error
        finally:
            stop.set()
            if mesh is not None:
                with progress.step("Stopping"):
                    mesh.stop()
    progress.say("Stopped. What you stored is kept for the next start; make clean removes it.")


def check_alone(root: Path, progress: Progress) -> None:
    """Refuse to run beside another run of this checkout. One that was killed is waited for: its services are being stopped."""
    keeper = Keeper(data_home(root))
    if (owner := keeper.owner()) is not None:
        raise AlreadyRunning(owner)
    if keeper.is_ending():
        with progress.step("Waiting for an earlier run to end"):
            wait_for(lambda: not keeper.is_ending(), "It did not end", STOP_SECONDS)


def environment(root: Path, progress: Progress) -> dict[str, str]:
    """Our environment with `.env` beneath it; what stands there and nothing reads is said."""
    path = root / ".env"
    settings = dotenv.read(path)
    for sentence in dotenv.unknown(settings, dotenv.documented(root / ".env.example"), path):
        progress.say(f"! {sentence}")
    written = {name: setting.value for name, setting in settings.items()}
    return {**written, **{name: value for name, value in os.environ.items() if value or name not in written}}


def where_it_stands(fault: str, root: Path) -> list[str]:
    """The lines of `.env` with the variables that a message names."""
    path = root / ".env"
    return [
        f"{name} stands in {path}, line {setting.line}."
        for name, setting in dotenv.read(path).items()
        if re.search(rf"\b{name}\b", fault)
    ]


def int_port(given: Mapping[str, str]) -> int:
    """The port that the gateway is to serve on."""
    written = given.get("GATEWAY_PORT") or str(EDGE_PORT)
    if not written.isdecimal() or not 0 < int(written) < 65536:
        raise DevstackError(f"GATEWAY_PORT is {written!r}, and a port is a number from 1 to 65535.")
    return int(written)


def check_port(port: int) -> None:
    """Refuse to start on a port that somebody listens on, and say who where we may know."""
    if is_free(port):
        return
    try:
        listeners = [c.pid for c in psutil.net_connections("tcp") if c.laddr and c.laddr.port == port and c.pid]
        who = f" by {psutil.Process(listeners[0]).name()} (process {listeners[0]})" if listeners else ""
    except psutil.Error:
        who = ""
    raise DevstackError(
        f"Port {port} is in use{who}. Stop that, or take another port: make run GATEWAY_PORT={port + 1}"
    )


@contextmanager
def interruptible() -> Iterator[threading.Event]:
    """Turn the first SIGINT, SIGTERM or SIGHUP into `Stopped`; once the event is set, they are ignored: it is stopping."""
    stop = threading.Event()

    def interrupt(*_: object) -> None:
        if not stop.is_set():
            stop.set()
            raise Stopped

    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    earlier = [signal.signal(number, interrupt) for number in numbers]
    try:
        yield stop
    finally:
        for number, handler in zip(numbers, earlier, strict=True):
            signal.signal(number, handler)


def banner(mesh: LocalMesh, root: Path) -> str:
    """What a newcomer wants to know once everything runs."""
    given = mesh.environment
    model = given.get("CHAT_LLM_MODEL", "")
    language = (
        f"{model} at {given.get('CHAT_LLM_BASE_URL') or 'its provider'}"
        if model
        else "offline tutor (extracts, makes no text of its own)"
    )
    vectors = given.get("INGESTION_EMBEDDINGS_MODEL") or "all-MiniLM-L6-v2 on this CPU"
    port = "" if mesh.ports[EDGE] == EDGE_PORT else f" GATEWAY_PORT={mesh.ports[EDGE]}"
    return f"""
Study Teddy is ready: {mesh.url}
  API documentation   {mesh.url}/docs
  Language model      {language}
                      change it in .env: CHAT_LLM_BASE_URL=http://localhost:11434/v1 CHAT_LLM_MODEL=llama3.1
  Embeddings          {vectors}
                      change them in .env: INGESTION_EMBEDDINGS_BASE_URL=… INGESTION_EMBEDDINGS_MODEL=…
  Logs                {os.path.relpath(mesh.logs, root)}/
Try it, in another terminal:
  make demo{port}
  curl {mesh.url}/health/ready
Ctrl-C stops everything.
"""
