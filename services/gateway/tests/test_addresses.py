"""Where a request comes from, and whom to believe."""

import pytest
from gateway.addresses import Neighbours

NEIGHBOURS = Neighbours(trusted_proxies=("10.0.0.0/8", "2001:db8::/32"), inside=("127.0.0.0/8",))


@pytest.mark.parametrize(
    ("peer", "forwarded_for", "address"),
    [
        ("198.51.100.7", None, "198.51.100.7"),
        ("198.51.100.7", "1.2.3.4", "198.51.100.7"),
        ("10.1.1.1", "1.2.3.4", "1.2.3.4"),
        ("10.1.1.1", "6.6.6.6, 1.2.3.4", "1.2.3.4"),
        ("10.1.1.1", "6.6.6.6, 1.2.3.4, 10.2.2.2", "1.2.3.4"),
        ("10.1.1.1", "6.6.6.6, nonsense", "10.1.1.1"),
        ("10.1.1.1", "6.6.6.6, nonsense, 10.2.2.2", "10.2.2.2"),
        ("10.1.1.1", "10.3.3.3, 10.2.2.2", "10.3.3.3"),
        ("10.1.1.1", "", "10.1.1.1"),
        ("::ffff:10.1.1.1", "1.2.3.4", "1.2.3.4"),
        ("2001:db8::1", "2001:db9::7", "2001:db9::7"),
        ("", "1.2.3.4", ""),
    ],
)
def test_the_last_address_that_one_of_ours_vouches_for_counts(
    peer: str, forwarded_for: str | None, address: str
) -> None:
    origin = NEIGHBOURS.origin(peer, forwarded_for.encode() if forwarded_for is not None else None)
    assert origin.address == address
    assert "6.6.6.6" not in origin.forwarding.decode()


def test_the_scheme_is_believed_to_a_proxy_of_ours_alone() -> None:
    assert NEIGHBOURS.origin("10.1.1.1", b"1.2.3.4", b"https").scheme == "https"
    assert NEIGHBOURS.origin("10.1.1.1", b"1.2.3.4", b"gopher").scheme == "http"
    assert NEIGHBOURS.origin("1.2.3.4", None, b"https").scheme == "http"


def test_a_customers_whole_network_counts_as_one() -> None:
    assert NEIGHBOURS.origin("2001:db9:0:1::7").limit_key == NEIGHBOURS.origin("2001:db9:0:1:ffff::8").limit_key
    assert NEIGHBOURS.origin("2001:db9:0:1::7").limit_key != NEIGHBOURS.origin("2001:db9:0:2::7").limit_key
    assert NEIGHBOURS.origin("::ffff:1.2.3.4").limit_key == NEIGHBOURS.origin("1.2.3.4").limit_key


def test_inside_is_who_comes_from_there_directly() -> None:
    assert NEIGHBOURS.origin("127.0.0.1").inside
    assert not NEIGHBOURS.origin("127.0.0.1", b"1.2.3.4").inside
    assert not NEIGHBOURS.origin("10.1.1.1").inside
