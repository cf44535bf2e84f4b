"""An `.apkg` file: a zip with a SQLite collection and media. Written by strangers, so nothing of it is believed or unpacked blindly.

Three generations: `collection.anki2`, `collection.anki21`, and `collection.anki21b`, where collection and media are zstd. The newest that is
there counts: in newer packages the older file only tells that Anki must be updated.
"""

import json
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO

import zstandard
from chassis.errors import Invalid

from flashcard.anki.protobuf import fields_of, text_of
from flashcard.media import may_be_media

_COLLECTIONS = ("collection.anki21b", "collection.anki21", "collection.anki2")
MOST_COLLECTION = 512 * 1024 * 1024
MOST_MEDIA_FILE = 64 * 1024 * 1024
MOST_MEDIA = 1024 * 1024 * 1024
_MOST_LIST = 32 * 1024 * 1024
_MOST_MEMBERS = 100_000
_BLOCK = 256 * 1024


class NotAPackage(Invalid):
    type, title = "not-an-anki-package", "This is no deck that can be read"


@dataclass(frozen=True)
class Archive:
    """An open package. `media` maps the names that cards use to the members that hold the files; files that the package only tells of
    are `absent`, and those that would leave their folder, or cannot be called so, `refused`."""

    zip: zipfile.ZipFile
    collection: str
    zstd: bool
    media: Mapping[str, str] = field(default_factory=dict)
    absent: Sequence[str] = ()
    refused: Sequence[str] = ()

    def write_collection(self, path: Path) -> None:
        """Unpack the SQLite file. Raises `NotAPackage`, also for one that inflates beyond bounds."""
        with path.open("wb") as file:
            for block in self._blocks(self.collection, MOST_COLLECTION):
                file.write(block)

    def media_blocks(self, name: str) -> Iterator[bytes]:
        """The media file of this name. Raises `NotAPackage`."""
        return self._blocks(self.media[name], MOST_MEDIA_FILE)

    def _blocks(self, member: str, most: int) -> Iterator[bytes]:
        size = 0
        with _readable(), self.zip.open(member) as packed:
            stream: IO[bytes] = zstandard.ZstdDecompressor().stream_reader(packed) if self.zstd else packed
            while block := stream.read(_BLOCK):
                size += len(block)
                if size > most:
                    raise NotAPackage(
                        f"{member} in this package unpacks to more than {most // 1_048_576} MiB. Export a part of the deck."
                    )
                yield block


@contextmanager
def opened(path: Path) -> Iterator[Archive]:
    """The package in this file. Raises `NotAPackage`."""
    with _readable():
        found = zipfile.ZipFile(path)
    with found:
        with _readable():
            archive = _archive(found)
        # Outside of `_readable`: what fails while it is used, such as a storage that is away, says nothing of the package.
        yield archive


def _archive(found: zipfile.ZipFile) -> Archive:
    names = found.namelist()
    collection = next((name for name in _COLLECTIONS if name in names), None)
    if collection is None:
        raise NotAPackage(
            "There is no Anki collection in this file. In Anki, use Export and choose “Anki Deck Package”."
        )
    if len(names) > _MOST_MEMBERS:
        raise NotAPackage(f"This package has more than {_MOST_MEMBERS} files. Export a part of the deck.")
    bare = Archive(found, collection, collection == _COLLECTIONS[0])
    return _with_media(bare, set(names))


def _with_media(archive: Archive, members: set[str]) -> Archive:
    if "media" not in members:
        return archive
    listed = b"".join(archive._blocks("media", _MOST_LIST))
    numbered = _entries(listed) if archive.zstd else _json(listed)
    usable = {member: name for member, name in numbered.items() if may_be_media(name)}
    named = {name: member for member, name in usable.items() if member in members}
    total = sum(archive.zip.getinfo(member).file_size for member in named.values())
    if total > MOST_MEDIA:
        raise NotAPackage(
            f"The pictures and sounds have more than {MOST_MEDIA // 1_048_576} MiB. Export without media."
        )
    absent = [name for name in usable.values() if name not in named]
    refused = [name for member, name in numbered.items() if member not in usable]
    return replace(archive, media=named, absent=absent, refused=refused)


def _json(listed: bytes) -> dict[str, str]:
    read = json.loads(listed)
    if not isinstance(read, dict):
        raise NotAPackage("The list of media in this package cannot be read. Export the deck again.")
    return {str(member): str(name) for member, name in read.items()}


def _entries(listed: bytes) -> dict[str, str]:
    """Anki's MediaEntries: entry 1 of each is its name; the n-th lies in the member named n."""
    entries = [entry for number, entry in fields_of(listed) if number == 1 and isinstance(entry, bytes)]
    return {str(place): text_of(dict(fields_of(entry)).get(1)) for place, entry in enumerate(entries)}


@contextmanager
def _readable() -> Iterator[None]:
    try:
        yield
    except (
        zipfile.BadZipFile,
        zstandard.ZstdError,
        EOFError,
        OSError,
        ValueError,
        RecursionError,
        NotImplementedError,
        KeyError,
        RuntimeError,
    ) as error:
        raise NotAPackage(
            "This file is damaged, or is no Anki package. Export the deck again, and upload the result."
        ) from error
