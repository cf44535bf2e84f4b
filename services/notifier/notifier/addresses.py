"""Mail addresses."""

from email.errors import MessageError
from email.headerregistry import Address
from email.utils import parseaddr


class NoAddress(ValueError):
    """No mail can be sent there."""


def recipient(written: str) -> Address:
    """An address without a name. Raises `NoAddress`."""
    try:
        found = Address(addr_spec=written)
    except (MessageError, ValueError, IndexError) as error:
        raise NoAddress(f"{written[:100]!r} is no mail address") from error
    if not found.username or not found.domain:
        raise NoAddress(f"{written[:100]!r} is no mail address")
    return found


def sender(written: str) -> Address:
    """An address with its name, such as `Study Teddy <no-reply@study.example.org>`. Raises `NoAddress`."""
    name, address = parseaddr(written)
    plain = recipient(address)
    return Address(name, plain.username, plain.domain)
