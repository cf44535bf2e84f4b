"""Where uploads are kept: a local folder or S3, through one interface. A key is written once and never changed."""

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

import obstore
from obstore.exceptions import AlreadyExistsError
from obstore.store import LocalStore, from_url

if TYPE_CHECKING:
    from obstore.store import ObjectStore

# S3 takes no smaller parts; a folder takes any.
S3_PART_BYTES = 5 * 1024 * 1024
PART_BYTES = 1024 * 1024
# What is held of one file at most, in parts.
PARTS_UNDER_WAY = 2
BLOCK_BYTES = 256 * 1024


class Storage:
    """Files by key. `url` is `file:///folder` or `s3://bucket/prefix`; for S3 the environment holds the credentials."""

    def __init__(self, url: str) -> None:
        self._folder = Path(unquote(urlsplit(url).path)) if url.startswith("file:") else None
        self._store: ObjectStore = (
            LocalStore(self._folder, mkdir=True, automatic_cleanup=True) if self._folder else from_url(url)
        )

    async def put(self, key: str, blocks: AsyncIterator[bytes]) -> None:
        """Store what the blocks hold, or nothing: what they raise is raised again."""
        await obstore.put_async(
            self._store,
            key,
            blocks,
            use_multipart=True,
            chunk_size=PART_BYTES if self._folder else S3_PART_BYTES,
            max_concurrency=PARTS_UNDER_WAY,
        )

    async def blocks(self, key: str, start: int, end: int) -> AsyncIterator[bytes]:
        """The bytes from `start` up to `end`. Raises `FileNotFoundError`, before the first block."""
        found = await obstore.get_async(self._store, key, options={"range": (start, end)})
        async for block in found.stream(min_chunk_size=BLOCK_BYTES):
            yield bytes(block)

    @asynccontextmanager
    async def local_copy(self, key: str) -> AsyncIterator[Path]:
        """The file as one on this machine; a copy ends with the block. Raises `FileNotFoundError`."""
        if self._folder:
            path = self._folder / key
            await asyncio.to_thread(path.stat)
            yield path
            return
        with tempfile.NamedTemporaryFile(prefix="stored-") as copy:
            found = await obstore.get_async(self._store, key)
            async for block in found.stream(min_chunk_size=BLOCK_BYTES):
                await asyncio.to_thread(copy.write, block)
            await asyncio.to_thread(copy.flush)
            yield Path(copy.name)

    async def discard(self, key: str) -> None:
        """Delete the file, and what an upload that was killed left of it. No error where there is none."""
        if self._folder:
            # A process that was killed leaves the parts beside the place, under its name and a number.
            for staged in list((self._folder / key).parent.glob(f"{Path(key).name}#*")):
                staged.unlink(missing_ok=True)
        try:
            await obstore.delete_async(self._store, key)
        except FileNotFoundError:
            return

    async def copy(self, key: str, to: str) -> None:
        """The same file under another key, too. Raises `FileNotFoundError`."""
        # What is there is the same: a folder's store would leave a link `to#0` beside it. S3 just writes it again.
        with suppress(AlreadyExistsError):
            await obstore.copy_async(self._store, key, to, overwrite=self._folder is None)

    async def discard_folder(self, folder: str) -> None:
        """Delete every file whose key begins with `folder/`, and what uploads that were killed left there."""
        if self._folder:
            await asyncio.to_thread(shutil.rmtree, self._folder / folder, onerror=_raise_unless_gone)
            return
        async for found in obstore.list(self._store, prefix=f"{folder}/"):
            await obstore.delete_async(self._store, [file["path"] for file in found])

    async def check(self) -> None:
        """Raise unless the storage answers."""
        stream = obstore.list(self._store, prefix="health", chunk_size=1)
        async for _ in stream:
            return


def _raise_unless_gone(_function: Any, _path: str, raised: tuple[Any, BaseException, Any]) -> None:
    """Go on where somebody else deletes, or moves to its place, what lies there: before Python 3.13 `rmtree` ends with the first."""
    if not isinstance(raised[1], FileNotFoundError):
        raise raised[1]
