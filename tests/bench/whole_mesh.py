"""The mesh as `make run` starts it, for benches: its own servers, data on disk, and quotas that stop nobody."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from devstack.local_mesh import LocalMesh
from devstack.parts import PARTS, Part
from devstack.places import temporary_home
from devstack.ports import free_ports
from devstack.servers import Tuning


@contextmanager
def whole_mesh(parts: Sequence[Part] = PARTS, **settings: str) -> Iterator[LocalMesh]:
    """Started, with these settings beside those of a developer; stopped and removed at the end."""
    home = temporary_home()
    (port,) = free_ports(1)
    quotas = {f"GATEWAY_LIMIT_{name}": "100000" for name in ("GENERAL", "AI", "AUTH")}
    given = {"GATEWAY_PORT": str(port), **quotas, **settings}
    mesh = LocalMesh(home / "state", given, parts=parts, tuning=Tuning.DURABLE, home=home, temporary=True)
    try:
        mesh.start()
        yield mesh
    finally:
        mesh.stop()
