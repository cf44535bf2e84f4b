"""Free ports on 127.0.0.1."""

import random
import socket

# Below the range from which the kernel takes outgoing ports: a client that retries while its server is down could otherwise
# be given the server's own port, and connect to itself.
RANGE = range(20000, 32000)


def is_free(port: int, host: str = "127.0.0.1") -> bool:
    """Whether nobody listens on the port now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def free_ports(count: int) -> list[int]:
    """`count` different ports that nobody listens on; drawn at random, so that checkouts side by side rarely meet."""
    found: set[int] = set()
    while len(found) < count:
        port = random.choice(RANGE)  # noqa: S311  # no secret
        if is_free(port):
            found.add(port)
    return list(found)
