"""Which services the mesh has, and the environment that each process is given."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from devstack.remembered import Secrets


@dataclass(frozen=True)
class Part:
    """A service of the mesh as a laptop runs it: all its roles in one process."""

    name: str
    roles: tuple[str, ...]
    stores: bool = True
    """Whether it owns a schema, and so has migrations."""


PARTS = (
    Part("auth", ("api", "consumer", "relay", "scheduler")),
    Part("ingestion", ("api", "consumer", "relay", "worker", "scheduler", "index")),
    Part("chat", ("api", "consumer", "relay", "scheduler")),
    Part("flashcard", ("api", "consumer", "relay", "worker", "scheduler")),
    Part("notifier", ("api", "consumer", "relay", "scheduler")),
    Part("gateway", ("api",), stores=False),
)
# What every process needs of the machine, whatever settings are given.
INHERITED = frozenset({"PATH", "HOME", "LANG", "TMPDIR", "PYTHONPATH", "SSL_CERT_FILE", "SSL_CERT_DIR"})
EDGE = "gateway"
# The name under which an operator's command line asks services, and has a secret like theirs.
OPERATOR = "mesh"
EDGE_PORT = 8080


def variable(part: Part, name: str) -> str:
    """The service's own variable, such as CHAT_PORT."""
    return f"{part.name.upper()}_{name}"


def mesh_environment(
    given: Mapping[str, str],
    *,
    parts: tuple[Part, ...],
    servers: Mapping[str, str],
    databases: Mapping[str, str],
    ports: Mapping[str, int],
    kept: Secrets,
    data: Path,
) -> dict[str, str]:
    """What every process of the mesh finds in its environment; what was given by the developer goes before what we chose.

    `servers` maps AMQP_URL and REDIS_URL to URLs, `databases` and `ports` are by service.
    """
    chosen = {
        "ENVIRONMENT": "development",
        "LOG_FORMAT": "console",
        "KEY_RING": kept.key_ring,
        "DATA_DIR": str(data),
        "AUTH_SERVICE_SECRETS": ",".join(f"{name}:{secret}" for name, secret in kept.service_secrets.items()),
        "AUTH_URL": f"http://127.0.0.1:{ports['auth']}" if "auth" in ports else "",
        "AUTH_PUBLIC_URL": f"http://localhost:{ports[EDGE]}" if EDGE in ports else "",
        "NOTIFIER_PUBLIC_URL": f"http://localhost:{ports[EDGE]}" if EDGE in ports else "",
        "NOTIFIER_MAIL_FOLDER": str(data.with_name("mail")),
        "CHAT_INGESTION_URL": f"http://127.0.0.1:{ports['ingestion']}" if "ingestion" in ports else "",
        **servers,
        # The folder that a process stands in is not searched for packages.
        "PYTHONSAFEPATH": "1",
    }
    for part in parts:
        chosen[variable(part, "PORT")] = str(ports[part.name])
        chosen[variable(part, "SERVICE_SECRET")] = kept.service_secrets[part.name]
        if part.name in databases:
            chosen[variable(part, "DATABASE_URL")] = databases[part.name]
        if part.name not in {EDGE, "auth"}:
            chosen[f"GATEWAY_{part.name.upper()}_URL"] = f"http://127.0.0.1:{ports[part.name]}"
    inherited = {name: value for name, value in os.environ.items() if name in INHERITED or name.startswith("COV")}
    return inherited | chosen | {name: value for name, value in given.items() if value}


def own(environment: Mapping[str, str], part: Part, parts: tuple[Part, ...]) -> dict[str, str]:
    """The environment without the secrets and settings of other services."""
    others = tuple(f"{other.name.upper()}_" for other in parts if other is not part)
    return {name: value for name, value in environment.items() if name == "AUTH_URL" or not name.startswith(others)}


def operators(
    environment: Mapping[str, str], *, parts: tuple[Part, ...], ports: Mapping[str, int], kept: Secrets
) -> dict[str, str]:
    """What the command line `mesh` needs of the environment to reach broker and services."""
    services = {part.name: f"http://127.0.0.1:{ports[part.name]}" for part in parts if part.stores}
    return {
        "AMQP_URL": environment["AMQP_URL"],
        "AUTH_URL": environment["AUTH_URL"],
        "MESH_SERVICES": ",".join(f"{name}={url}" for name, url in services.items()),
        "MESH_SERVICE_SECRET": kept.service_secrets[OPERATOR],
    }
