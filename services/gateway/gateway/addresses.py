"""Where a request comes from: the peer, or what a trusted proxy in front of us says."""

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Network = IPv4Network | IPv6Network
Address = IPv4Address | IPv6Address
# One customer of a provider has a whole /64.
_IPV6_CUSTOMER = 64


@dataclass(frozen=True, slots=True)
class Origin:
    """Who sent a request. `limit_key` names the one whose requests count together."""

    address: str
    limit_key: str
    scheme: str
    forwarding: bytes
    """The header lines that tell the service of it."""
    inside: bool
    """From inside the mesh, and by no proxy: may see metrics."""


class Neighbours:
    """Decides whose word on the origin of a request counts. A client's own X-Forwarded-For is worth nothing."""

    def __init__(self, *, trusted_proxies: Sequence[str], inside: Sequence[str]) -> None:
        self._trusted = tuple(ip_network(network) for network in trusted_proxies)
        self._inside = tuple(ip_network(network) for network in inside)

    def is_trusted(self, peer: str) -> bool:
        """Whether the peer is a proxy of ours."""
        return _within(_address(peer), self._trusted)

    def origin(self, peer: str, forwarded_for: bytes | None = None, proto: bytes | None = None) -> Origin:
        """The origin of a request of a peer, with the fields that it sent."""
        address, scheme, chain = peer, "http", peer
        if self.is_trusted(peer):
            hops = [hop.strip() for hop in (forwarded_for or b"").decode("latin-1").split(",") if hop.strip()]
            address, known = self._furthest(peer, hops)
            chain = ", ".join([*known, peer])
            if (proto or b"").strip().lower() == b"https":
                scheme = "https"
        forwarding = f"x-forwarded-for: {chain}\r\nx-forwarded-proto: {scheme}\r\n".encode()
        inside = forwarded_for is None and _within(_address(peer), self._inside)
        return Origin(address, _limit_key(address), scheme, forwarding, inside)

    def _furthest(self, peer: str, hops: list[str]) -> tuple[str, list[str]]:
        """The last address that a trusted hop vouches for, and the hops from there on."""
        known: list[str] = []
        for hop in reversed(hops):
            if _address(hop) is None:
                break
            known.insert(0, hop)
            if not self.is_trusted(hop):
                break
        return (known[0] if known else peer), known


def _address(text: str) -> Address | None:
    try:
        address = ip_address(text)
    except ValueError:
        return None
    return address.ipv4_mapped or address if isinstance(address, IPv6Address) else address


def _within(address: Address | None, networks: Sequence[Network]) -> bool:
    return address is not None and any(address in network for network in networks)


def _limit_key(text: str) -> str:
    address = _address(text)
    if isinstance(address, IPv6Address):
        return str(ip_network((address, _IPV6_CUSTOMER), strict=False))
    return str(address or text)
