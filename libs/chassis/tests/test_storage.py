"""Files by key, in a folder."""

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from chassis.storage import Storage


@pytest.fixture
def storage(tmp_path: Path) -> Storage:
    """An empty folder."""
    return Storage((tmp_path / "files").as_uri())


async def of(*blocks: bytes) -> AsyncIterator[bytes]:
    for block in blocks:
        yield block


async def whole(storage: Storage, key: str, start: int = 0, end: int = 10**6) -> bytes:
    return b"".join([block async for block in storage.blocks(key, start, end)])


async def test_what_is_put_comes_back(storage: Storage) -> None:
    await storage.put("a/b", of(b"one ", b"two"))
    assert await whole(storage, "a/b") == b"one two"
    assert await whole(storage, "a/b", 4, 6) == b"tw"
    async with storage.local_copy("a/b") as path:
        assert path.read_bytes() == b"one two"


async def test_a_file_of_many_parts_comes_back(storage: Storage) -> None:
    block = bytes(range(256)) * 4096
    await storage.put("large", of(*[block] * 13))
    assert await whole(storage, "large", 0, 13 * len(block)) == block * 13


async def test_what_is_broken_off_leaves_nothing(storage: Storage, tmp_path: Path) -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield b"x" * 7_000_000
        raise EOFError("the sender is gone")

    with pytest.raises(EOFError, match="the sender is gone"):
        await storage.put("a/b", broken())
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


async def test_what_is_not_there_is_said_to_be_so(storage: Storage) -> None:
    with pytest.raises(FileNotFoundError):
        await whole(storage, "nothing")
    with pytest.raises(FileNotFoundError):
        async with storage.local_copy("nothing"):
            pass


async def test_discarding_takes_staged_parts_too_and_may_be_repeated(storage: Storage, tmp_path: Path) -> None:
    await storage.put("a/b", of(b"one"))
    await storage.put("a/bc", of(b"other"))
    Path(tmp_path, "files", "a", "b#2").write_bytes(b"half")
    await storage.discard("a/b")
    await storage.discard("a/b")
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["bc"]


async def test_a_storage_that_answers_is_healthy(storage: Storage) -> None:
    await storage.check()


async def test_a_remote_file_is_copied_here_for_reading(storage: Storage) -> None:
    await storage.put("a/b", of(b"one ", b"two"))
    storage._folder = None  # as if it were S3
    async with storage.local_copy("a/b") as path:
        assert path.read_bytes() == b"one two"
    assert not path.exists()


async def test_a_copy_stays_when_what_was_copied_goes(storage: Storage, tmp_path: Path) -> None:
    await storage.put("a/b", of(b"one"))
    await storage.copy("a/b", "c/d")
    await storage.copy("a/b", "c/d")
    await storage.discard("a/b")
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["d"]
    assert await whole(storage, "c/d") == b"one"
    with pytest.raises(FileNotFoundError):
        await storage.copy("a/b", "e")


async def test_a_folder_goes_with_all_that_is_in_it_and_nothing_else(storage: Storage, tmp_path: Path) -> None:
    for key in ("a/b", "a/c/d", "ab/c"):
        await storage.put(key, of(b"one"))
    Path(tmp_path, "files", "a", "x#2").write_bytes(b"half")
    for _ in range(2):
        await storage.discard_folder("a")
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["c"]


async def test_a_folder_goes_though_somebody_else_deletes_in_it_too(
    storage: Storage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for key in ("a/b", "a/c", "a/d/e"):
        await storage.put(key, of(b"one"))
    unlink = os.unlink

    def after_another(path: str, *, dir_fd: int | None = None) -> None:
        unlink(path, dir_fd=dir_fd)  # the other was faster
        unlink(path, dir_fd=dir_fd)

    monkeypatch.setattr(os, "unlink", after_another)
    await storage.discard_folder("a")
    assert list(Path(tmp_path, "files").iterdir()) == []


async def test_a_folder_that_cannot_be_deleted_is_said_to_be_so(
    storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: str, *, dir_fd: int | None = None) -> None:
        raise PermissionError(path)

    await storage.put("a/b", of(b"one"))
    monkeypatch.setattr(os, "unlink", refuse)
    with pytest.raises(PermissionError):
        await storage.discard_folder("a")
