"""A private RabbitMQ: the broker, and an `epmd` of its own."""

import os
import secrets
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import Any, ClassVar

from devstack import installing
from devstack.errors import DevstackError
from devstack.places import private_folder, write_private
from devstack.processes import Spec
from devstack.server import Server, Tuning

NODE = "studyteddy@localhost"
ATTEMPTS = 8
# Two schedulers and four threads for files: a laptop's broker idles, and each costs memory.
ERLANG = "-kernel inet_dist_use_interface {127,0,0,1} +S 2:2 +A 4 +sbwt none"


class RabbitMQ(Server):
    """The URL names the virtual host `/`. `fresh_vhost` makes others."""

    name: ClassVar[str] = "rabbitmq"
    account: ClassVar[str] = "rabbitmq"
    ports_needed: ClassVar[int] = 3

    @property
    def url(self) -> str:
        return self.url_of("%2F")

    def url_of(self, vhost: str) -> str:
        """Where clients connect to a virtual host (its name already quoted)."""
        return f"amqp://studyteddy:{self.facts['password']}@127.0.0.1:{self.ports[0]}/{vhost}"

    def new_facts(self) -> dict[str, Any]:
        return {"password": secrets.token_urlsafe(24), "cookie": secrets.token_hex(16)}

    def prepare(self) -> None:
        for folder in ("mnesia", "log"):
            private_folder(self.home / folder, self.user)
        fast = self.tuning is Tuning.FAST
        settings = {
            "listeners.tcp.local": f"127.0.0.1:{self.ports[0]}",
            "default_user": "studyteddy",
            "default_pass": self.facts["password"],
            "log.file": "broker.log",
            "log.console": "false",
            "log.file.level": "warning" if fast else "info",
            "vm_memory_high_watermark.absolute": "384MB",
            "disk_free_limit.absolute": "64MB",
            # The journal is held in memory until it is rolled over: by default half a gigabyte of it.
            "raft.wal_max_size_bytes": "16000000",
            "collect_statistics_interval": "60000",
        }
        files = {
            "rabbitmq.conf": "".join(f"{key} = {value}\n" for key, value in settings.items()),
            "advanced.config": "[{ra, [{wal_sync_method, none}]}].\n" if fast else "[].\n",
            "enabled_plugins": "[].\n",
            # /etc/hosts may lack localhost; Erlang then asks a name server.
            "inetrc": '{host, {127,0,0,1}, ["localhost"]}.\n{lookup, [file, native]}.\n',
        }
        for name, text in files.items():
            write_private(self.home / name, text, self.user)
        cookie = write_private(self.home / ".erlang.cookie", self.facts["cookie"], self.user)
        cookie.chmod(0o400)

    @property
    def _erlang_env(self) -> dict[str, str]:
        return {
            "PATH": f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/bin:/sbin:/bin",
            "HOME": str(self.home),
            "LC_ALL": "C.UTF-8",
            "ERL_EPMD_PORT": str(self.ports[1]),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "ERL_INETRC": str(self.home / "inetrc"),
        }

    def specs(self) -> list[Spec]:
        broker = {
            **self._erlang_env,
            "RABBITMQ_CONF_ENV_FILE": "/dev/null",
            "RABBITMQ_NODENAME": NODE,
            "RABBITMQ_CONFIG_FILE": str(self.home / "rabbitmq.conf"),
            "RABBITMQ_ADVANCED_CONFIG_FILE": str(self.home / "advanced.config"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(self.home / "enabled_plugins"),
            "RABBITMQ_MNESIA_BASE": str(self.home / "mnesia"),
            "RABBITMQ_LOG_BASE": str(self.home / "log"),
            "RABBITMQ_DIST_PORT": str(self.ports[2]),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": ERLANG,
            # The script then becomes the broker instead of staying beside it as a shell.
            "RUNNING_UNDER_SYSTEMD": "true",
        }
        epmd = str(self._erlang("epmd"))
        return [
            self._spec("epmd", [epmd, "-address", "127.0.0.1", "-port", str(self.ports[1])], self._erlang_env, 0),
            self._spec(self.name, [str(installing.program("rabbitmq"))], broker, 1),
        ]

    def _spec(self, name: str, argv: list[str], env: dict[str, str], layer: int) -> Spec:
        return Spec(
            name=name,
            argv=argv,
            env=env,
            cwd=str(self.home),
            log=str(self.log),
            layer=layer,
            user=self.user,
            stop_signal=signal.SIGKILL if self.tuning is Tuning.FAST else signal.SIGTERM,
            grace=30,
        )

    def answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.ports[0]), timeout=5) as connection:
                connection.sendall(b"AMQP\x00\x00\x09\x01")
                # The first frame: method, channel 0. Listeners are the last thing that the broker opens.
                return connection.recv(3) == b"\x01\x00\x00"
        except OSError:
            return False

    @staticmethod
    def _erlang(tool: str) -> Path:
        if on_path := shutil.which(tool):
            return Path(on_path)
        erl = shutil.which("erl")
        beside = sorted(Path(erl).resolve().parent.parent.glob(f"erts-*/bin/{tool}")) if erl else []
        if not beside:
            raise DevstackError(f"Erlang's {tool} is not on this machine, and RabbitMQ needs it: install erlang-base.")
        return beside[-1]

    def evaluate(self, expression: str) -> str:
        """What an Erlang expression is inside the broker; a few milliseconds, where rabbitmqctl takes seconds."""
        for attempt in range(ATTEMPTS):
            outcome = self._call(expression)
            # A busy node may be late for the handshake: nothing was said to it yet.
            if "failed to connect" not in outcome.stderr:
                break
            time.sleep(0.2 * attempt)
        if outcome.returncode != 0 or not outcome.stdout.startswith("{ok"):
            raise DevstackError(f"RabbitMQ answered {expression!r} with: {outcome.stdout or outcome.stderr}")
        return outcome.stdout.removeprefix("{ok, ").removesuffix("}")

    def _call(self, expression: str) -> subprocess.CompletedProcess[str]:
        # A name of its own for each call: the broker refuses a second connection from the same name.
        caller = f"devstack-{secrets.token_hex(6)}"
        node = ["-address", f"localhost:{self.ports[2]}", "-c", self.facts["cookie"], "-h", caller]
        return subprocess.run(
            [str(self._erlang("erl_call")), *node, "-e"],
            input=f"{expression}.\n",
            env=self._erlang_env,
            capture_output=True,
            text=True,
            check=False,
            timeout=30,
        )

    def fresh_vhost(self, name: str, *, instead_of: str) -> str:
        """Make a virtual host, delete another with all that is in it, and return the new one's URL.

        Their names differ: of one that was deleted the broker goes on to close connections and to remove files, by its name.
        """
        old = f'<<"{instead_of}">>'
        self.evaluate(
            f'rabbit_vhost:exists({old}) andalso rabbit_vhost:delete({old}, <<"devstack">>), {_make_vhost(name)}'
        )
        return self.url_of(name)

    def emptied_vhost(self, name: str) -> str:
        """Make a virtual host, or cut off who is still connected to the one that is there and empty its queues; its URL.

        A queue that nobody takes from any more has back what was taken and not acknowledged, and then is empty when it is emptied.
        """
        self.evaluate(
            f'V = <<"{name}">>, rabbit_vhost:exists(V) orelse begin {_make_vhost(name)} end, '
            "Queues = [Q || Q <- rabbit_amqqueue:list(V), amqqueue:get_type(Q) =:= rabbit_quorum_queue], "
            "Leave = fun Leave() -> "
            "Open = [P || [{pid, P}, {vhost, W}] <- rabbit_networking:connection_info_all([pid, vhost]), W =:= V], "
            "[exit(P, kill) || P <- Open], "
            "case Open =:= [] andalso lists:all(fun(Q) -> element(3, rabbit_amqqueue:stat(Q)) =:= 0 end, Queues) of "
            "true -> ok; false -> timer:sleep(5), Leave() end end, Leave(), "
            "[rabbit_amqqueue:purge(Q) || Q <- Queues], ok"
        )
        return self.url_of(name)


def _make_vhost(name: str) -> str:
    """The expression that does it."""
    vhost, everything = f'<<"{name}">>', '<<".*">>'
    return (
        f'rabbit_vhost:add({vhost}, <<"devstack">>), '
        f'rabbit_auth_backend_internal:set_permissions(<<"studyteddy">>, {vhost}, '
        f'{everything}, {everything}, {everything}, <<"devstack">>)'
    )
