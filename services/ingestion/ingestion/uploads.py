"""One upload: from blocks to a stored file whose size, hash and kind are known, or to nothing."""

import hashlib
import re
import unicodedata
from collections.abc import AsyncIterator
from dataclasses import dataclass

from chassis.errors import Invalid, TooLarge
from chassis.storage import Storage

from ingestion.detection import HEAD_BYTES, detect
from ingestion.forms import IncomingFile
from ingestion.models import Kind

MOST_NAME = 200
_UNSPEAKABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\ud800-\udfff/\\]")


class EmptyUpload(Invalid):
    type, title = "document-empty", "The file is empty"


class UploadTooLarge(TooLarge):
    type, title = "document-too-large", "The file is too large"


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that is stored. `size` in bytes."""

    storage_key: str
    filename: str
    kind: Kind
    size: int
    sha256: bytes

    @property
    def title(self) -> str:
        """The name without its ending, as a student would say it."""
        stem, _, ending = self.filename.rpartition(".")
        return (stem if stem and len(ending) <= 10 else self.filename).strip() or self.filename


async def receive(file: IncomingFile, storage: Storage, key: str, *, most: int) -> Upload:
    """Store the file under `key`. Raises a `Problem` where it is empty, too large or of no kind that is read."""
    meter = _Meter(most)
    await storage.put(key, meter.measured(file.blocks))
    assert meter.kind is not None
    return Upload(key, _spoken(file.filename, meter.kind), meter.kind, meter.size, meter.hash.digest())


class _Meter:
    """Looks at the bytes as they pass."""

    def __init__(self, most: int) -> None:
        self.hash = hashlib.sha256()
        self.size = 0
        self.kind: Kind | None = None
        self._most = most

    async def measured(self, blocks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        head = bytearray()
        async for block in blocks:
            self._count(block)
            if self.kind is not None:
                yield block
                continue
            head += block
            if len(head) >= HEAD_BYTES:
                self.kind = detect(bytes(head[:HEAD_BYTES]))
                yield bytes(head)
        if self.size == 0:
            raise EmptyUpload("This file is empty. Check that it was saved, and upload it again.")
        if self.kind is None:
            self.kind = detect(bytes(head))
            yield bytes(head)

    def _count(self, block: bytes) -> None:
        self.size += len(block)
        if self.size > self._most:
            raise too_large(self._most)
        self.hash.update(block)


def too_large(most: int) -> UploadTooLarge:
    """The refusal of a file above `most` bytes."""
    return UploadTooLarge(
        f"A file may have {most / 1_048_576:.4g} MiB at most. Split it, or compress its pictures, and upload the result.",
        max_bytes=most,
    )


def _spoken(filename: str, kind: Kind) -> str:
    """The file's own name: no folders, nothing invisible, not endless."""
    name = re.split(r"[/\\]", unicodedata.normalize("NFC", filename))[-1]
    name = _UNSPEAKABLE.sub("", name).strip(" .")
    if not name:
        return f"document.{kind}"
    if len(name) > MOST_NAME:
        stem, dot, ending = name.rpartition(".")
        keep_ending = dot and len(ending) <= 10
        name = f"{stem[: MOST_NAME - 11]}.{ending}" if keep_ending else name[:MOST_NAME]
    return name
