"""Names that people choose, in what we write to somebody: they must look like names."""

import re

# What could carry an invitation to somewhere: strangers can sign up with another's address, and share a deck.
_NO_NAME = re.compile(r":(?! )|[/@<>\\]|\w\.\w|\.{2}|[\x00-\x1f\x7f]")


def looks_like_a_name(name: str) -> bool:
    """Whether it leads nowhere."""
    return bool(name.strip()) and not _NO_NAME.search(name)


def shortened(name: str, longest: int) -> str:
    """The name in one line of so many characters at most."""
    shown = " ".join(name.split())
    return shown if len(shown) <= longest else shown[: longest - 1] + "…"
