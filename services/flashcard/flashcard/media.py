"""Pictures and sounds of a student's cards, by the names with which cards use them."""

import hashlib
import re
from collections.abc import AsyncIterator, Callable, Container, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from html import escape, unescape
from unicodedata import category
from urllib.parse import quote, unquote
from uuid import UUID

from chassis.errors import Invalid, NotFound, TooLarge
from chassis.storage import Storage
from sqlalchemy import Text, any_, literal
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from flashcard.models import Markup, Media

MOST_BYTES = 10 * 1024 * 1024
# What a browser shows by itself and cannot run; anything else is only ever downloaded.
SHOWN = {"png": "image/png", "jpg": "image/jpeg", "jpeg": "image/jpeg", "gif": "image/gif", "webp": "image/webp",
         "mp3": "audio/mpeg", "ogg": "audio/ogg", "wav": "audio/wav", "m4a": "audio/mp4"}  # fmt: skip


# `<img src="name">`, `<audio src=name>`, `[sound:name]`, `![](name)`; bounded, as a text of beginnings without ends is searched from each.
_REFERENCE = re.compile(
    r"""src\s{0,9}=\s{0,9}(?:"(?P<double>[^"]{1,999})|'(?P<single>[^']{1,999})|(?P<bare>[^"'>\s]{1,999}))"""
    r"""|\[sound:(?P<sound>[^\]]{1,999})\]|!\[[^\]]{0,999}\]\((?:<(?P<angled>[^<>\n]{1,999})>|(?P<linked>[^)\s]{1,999}))""",
    re.IGNORECASE,
)
_TAG = re.compile(r"<[a-z][^<>]{0,9999}>", re.IGNORECASE)


class NoSuchMedia(NotFound):
    type, title = "media-not-found", "No such picture or sound"


class MediaTooLarge(TooLarge):
    type, title = "media-too-large", "The file is too large"


class BadMediaName(Invalid):
    type, title = "bad-media-name", "The file cannot have this name"


@dataclass(frozen=True, slots=True)
class Stored:
    """A file that lies in the storage and has no name yet."""

    digest: bytes
    size: int


def media_name(written: str) -> str:
    """A name that cards can use. Raises `BadMediaName`."""
    name = written.strip()
    if not may_be_media(name) or len(name) > 120 or any(mark in name for mark in "\"'<>[]"):
        raise BadMediaName("A picture's name has 1 to 120 characters, without / \\ \" ' < > [ ].")
    return name


def may_be_media(name: str) -> bool:
    """Whether a file of an import can have this name: more than can be given to one that is uploaded alone."""
    fits = bool(name) and len(name) <= 255 and name not in (".", "..")
    return fits and not any(mark in "/\\" or category(mark) in ("Cc", "Cs") for mark in name)


def names_used(text: str) -> set[str]:
    """The names of media that a card's text uses, as they are written there and as a browser reads them."""
    found = list(_REFERENCE.finditer(text))
    return {match[match.lastgroup or 0] for match in found} | {_read(match) for match in found}


def names_missing(text: str, markup: Markup, there: Container[str]) -> list[str]:
    """The names of files that a card's text shows and that are not there. An address is none, and a tag in a text about HTML, written
    `&lt;img src=x&gt;`, shows nothing."""
    beside_tags = ("sound", "angled", "linked") if markup is Markup.MARKDOWN else ("sound",)
    shown = [match for tag in dict.fromkeys(_TAG.findall(text)) for match in _REFERENCE.finditer(tag)]
    shown += [match for match in _REFERENCE.finditer(_TAG.sub(" ", text)) if match.lastgroup in beside_tags]
    names = [_read(match) for match in shown if match[match.lastgroup or 0] not in there]
    return [name for name in names if name not in there and may_be_media(name)]


def _read(match: re.Match[str]) -> str:
    """The name as a browser reads it in an address, and Anki in a sound: there a percent sign is one."""
    name = unescape(match[match.lastgroup or 0])
    return name if match["sound"] else unquote(name)


def with_names(text: str, names: Mapping[str, str]) -> str:
    """The text with media by other names."""

    def renamed(match: re.Match[str]) -> str:
        used = match[match.lastgroup or 0]
        read = _read(match)
        if used not in names and read not in names:
            return match[0]
        written = escape if match["sound"] else quote
        name = names[used] if used in names else written(names[read])
        start, end = (place - match.start() for place in match.span(match.lastgroup or 0))
        return match[0][:start] + name + match[0][end:]

    return _REFERENCE.sub(renamed, text)


def content_type(name: str) -> str:
    """What a file of this name is served as."""
    return SHOWN.get(name.rpartition(".")[2].lower(), "application/octet-stream")


class Shelves:
    """One student's pictures and sounds in the storage."""

    def __init__(self, storage: Storage, owner: UUID) -> None:
        self._storage = storage
        self._owner = owner

    async def put(self, blocks: Callable[[], Iterator[bytes]], most: int = MOST_BYTES) -> Stored:
        """Store what `blocks()` gives, which is asked twice: for its hash, and to be written. Raises `MediaTooLarge`."""
        measured, size = hashlib.sha256(), 0
        for block in blocks():
            size += len(block)
            if size > most:
                raise MediaTooLarge(f"A picture or sound may have {most // 1_048_576} MiB at most. Make it smaller.")
            measured.update(block)
        await self._storage.put(self._key(measured.digest()), _asynchronous(blocks()))
        return Stored(measured.digest(), size)

    def blocks(self, media: Media) -> AsyncIterator[bytes]:
        """The file. Raises `FileNotFoundError` before the first block."""
        return self._storage.blocks(self._key(media.digest), 0, media.size)

    async def take(self, media: Media) -> Stored:
        """Store another student's file here, too. Raises `FileNotFoundError`."""
        if media.user_id != self._owner:
            await self._storage.copy(_key(media.user_id, media.digest), self._key(media.digest))
        return Stored(media.digest, media.size)

    def _key(self, digest: bytes) -> str:
        return _key(self._owner, digest)


def _key(owner: UUID, digest: bytes) -> str:
    return f"{owner}/media/{digest.hex()}"


class MediaNames:
    """The names of one student's pictures and sounds. There is no way to another's through it."""

    def __init__(self, session: AsyncSession, owner: UUID) -> None:
        self._session = session
        self._owner = owner

    async def get(self, name: str) -> Media:
        """The file with this name. Raises `NoSuchMedia`."""
        found = await self._session.get(Media, (self._owner, name)) if may_be_media(name) else None
        if found is None:
            raise NoSuchMedia("There is no picture or sound of yours with this name.")
        return found

    async def among(self, names: Sequence[str]) -> Sequence[Media]:
        """Those of the names that are there."""
        # One parameter, of however many names; a text may ask for what no file can be called.
        usable = [name for name in names if may_be_media(name)]
        chosen = col(Media.name) == any_(literal(usable, ARRAY(Text)))
        statement = select(Media).where(Media.user_id == self._owner, chosen).order_by(col(Media.name))
        return (await self._session.execute(statement)).scalars().all()

    async def keep(self, stored: Mapping[str, Stored], now: datetime) -> Mapping[str, str]:
        """Give files their names; where a name stands for another file already, a new one. What was given, by what was asked."""
        taken = {media.name: media.digest for media in await self.among(list(stored))}
        given = {
            name: name if taken.get(name, file.digest) == file.digest else _numbered(name, file.digest)
            for name, file in stored.items()
        }
        rows = [
            {"user_id": self._owner, "name": given[name], "digest": file.digest, "size": file.size, "created_at": now}
            for name, file in stored.items()
        ]
        if rows:
            await self._session.execute(insert(Media).on_conflict_do_nothing(), rows)
        return given


def _numbered(name: str, digest: bytes) -> str:
    stem, dot, ending = name.rpartition(".")
    return f"{stem}-{digest.hex()[:12]}.{ending}" if dot else f"{name}-{digest.hex()[:12]}"


async def _asynchronous(blocks: Iterator[bytes]) -> AsyncIterator[bytes]:
    for block in blocks:
        yield block
