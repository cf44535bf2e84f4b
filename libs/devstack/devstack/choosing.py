"""Whether servers run from installed programs or in containers."""

import os
from collections.abc import Iterable

from devstack import installing
from devstack.errors import DevstackError
from devstack.progress import Progress


def containers_wanted() -> bool:
    """Whether servers are to run in containers: DEVSTACK=containers asks for it, and so does having no other way."""
    from devstack.containers import engine_answers  # noqa: PLC0415  # it takes a second to import

    asked = os.environ.get("DEVSTACK", "")
    if asked not in {"", "containers"}:
        raise DevstackError(f"DEVSTACK is {asked!r}; it may be 'containers' or nothing.")
    if not asked and (not installing.missing() or installing.may_install()):
        return False

    if engine_answers():
        return True
    if asked:
        raise DevstackError("DEVSTACK=containers, and no Docker engine answers. Start Docker, or unset DEVSTACK.")
    return False


def prepare(servers: Iterable[str], progress: Progress) -> None:
    """Make sure that the servers can be started: by their programs, installed if need be, or in containers."""
    if not containers_wanted():
        installing.require(*servers, progress=progress)
