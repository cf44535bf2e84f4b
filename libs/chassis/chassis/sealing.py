"""A ring of keys for what must not travel or rest in clear: links in mails, tokens of other people's APIs, private keys."""

import base64
import binascii
from collections.abc import Iterable

from cryptography.fernet import Fernet, InvalidToken


class SealBroken(Exception):
    """The text was not sealed by a key of this ring, or somebody changed it."""


class KeyRing:
    """Seals with its first key and opens with any, so that keys rotate without resealing everything at once.

    Written as `2:<base64 of 32 bytes>,1:<base64 of 32 bytes>`, newest first; a seal names its key. The cipher is Fernet
    (AES-128-CBC with HMAC-SHA256, authenticated).
    """

    def __init__(self, written: str) -> None:
        self._keys: dict[str, Fernet] = {}
        for key_id, cipher in _parse(written):
            if key_id in self._keys:
                raise ValueError(f"the key ring has two keys named {key_id[:16]!r}")
            self._keys[key_id] = cipher
        self._newest = next(iter(self._keys))

    def seal(self, text: str) -> str:
        """`<key id>.<token>`."""
        return f"{self._newest}.{self._keys[self._newest].encrypt(text.encode()).decode()}"

    def open(self, sealed: str) -> str:
        """The text that was sealed; raises `SealBroken`."""
        key_id, _, token = sealed.partition(".")
        try:
            return self._keys[key_id].decrypt(token.encode()).decode()
        except (KeyError, InvalidToken, UnicodeError) as error:
            raise SealBroken(f"no key of the ring opens a seal made by key {key_id[:16]!r}") from error


def _parse(written: str) -> Iterable[tuple[str, Fernet]]:
    for entry in written.split(","):
        key_id, separator, encoded = entry.strip().partition(":")
        try:
            key = base64.b64decode(encoded, validate=True)
        except binascii.Error as error:
            raise ValueError(f"key {key_id[:16]!r} of the key ring is not base64") from error
        if not separator or not key_id or len(key) != 32:
            raise ValueError("a key ring is written as id:base64-of-32-bytes, separated by commas, newest first")
        yield key_id, Fernet(base64.urlsafe_b64encode(key))
