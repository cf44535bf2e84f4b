"""The secrets of a developer's own mesh: made at the first start, kept for the next."""

import base64
import json
import secrets
from dataclasses import asdict, dataclass, field
from pathlib import Path

from devstack.errors import DevstackError
from devstack.places import write_private


@dataclass
class Secrets:
    key_ring: str = field(default_factory=lambda: f"1:{base64.b64encode(secrets.token_bytes(32)).decode()}")
    service_secrets: dict[str, str] = field(default_factory=dict)
    database_passwords: dict[str, str] = field(default_factory=dict)


def remembered(path: Path, services: list[str]) -> Secrets:
    """The secrets kept in `path`, completed for services that are new."""
    try:
        kept = Secrets(**json.loads(path.read_text())) if path.exists() else Secrets()
    except (ValueError, TypeError):
        raise DevstackError(
            f"{path} is damaged, and without it what is stored cannot be opened. Put it back, or start anew with: make clean"
        ) from None
    for service in services:
        kept.service_secrets.setdefault(service, secrets.token_urlsafe(32))
        kept.database_passwords.setdefault(service, secrets.token_urlsafe(24))
    path.parent.mkdir(parents=True, exist_ok=True)
    write_private(path, json.dumps(asdict(kept), indent=2))
    return kept
