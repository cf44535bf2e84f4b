"""What a user says of themselves, and what of it is accepted."""

import unicodedata
from functools import cache
from typing import Annotated
from zoneinfo import available_timezones

from pydantic import AfterValidator, Field

# Files that tzdata carries beside the zones: they name no place, and differ between machines.
_NO_PLACES = frozenset({"Factory", "localtime", "posixrules"})


@cache
def time_zones() -> frozenset[str]:
    """The IANA names that are known here."""
    return frozenset(available_timezones()) - _NO_PLACES


def known_time_zone(name: str) -> str:
    """The name itself; raises `ValueError` for what is no zone."""
    if name not in time_zones():
        raise ValueError("not a time zone; use an IANA name such as Europe/Berlin")
    return name


def presentable_name(written: str) -> str:
    """A name on one line, without invisible characters that make it look like another; raises `ValueError`."""
    name = " ".join(unicodedata.normalize("NFC", written).split())
    if not name:
        raise ValueError("must not be empty")
    # Cc control, Cf direction marks and other invisible ones, Co and Cs no characters at all. U+200D joins real scripts.
    if any(unicodedata.category(character) in {"Cc", "Cf", "Co", "Cs"} and character != "\u200d" for character in name):
        raise ValueError("must not hold control or invisible characters")
    return name


Name = Annotated[str, Field(min_length=1, max_length=100), AfterValidator(presentable_name)]
TimeZone = Annotated[str, Field(max_length=64, examples=["Europe/Berlin"]), AfterValidator(known_time_zone)]
StartOfDay = Annotated[int, Field(ge=0, le=23, description="The local hour at which the student's day begins")]
