"""Reading in children: what hostile files do stays in the child, in bounded time and memory."""

import asyncio
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
from devstack.waiting import until
from ingestion.failures import FAILURES, ReadingFailed
from ingestion.reading.children import Children
from ingestion.reading.frames import Opened, Order, Part, body_length, decode, encode
from ingestion.reading.limits import MEBIBYTE, ReadingLimits
from ingestion.reading.reader import Reading

from . import hostile_files

LIMITS = ReadingLimits(memory=256 * MEBIBYTE, page_seconds=5, cpu_seconds=5)


@pytest.fixture
async def children() -> AsyncIterator[Children]:
    async with Children(LIMITS) as children:
        yield children


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "file"


async def read(
    children: Children, file: Path, content: bytes, kind: str = "pdf", first: int = 1
) -> list[Opened | Part]:
    file.write_bytes(content)
    async with aclosing(Reading(children, str(file), kind, first).parts()) as parts:
        return [part async for part in parts]


async def refusal(children: Children, file: Path, content: bytes, kind: str = "pdf") -> str:
    with pytest.raises(ReadingFailed) as refused:
        await read(children, file, content, kind)
    return refused.value.code


async def living(children: Children) -> list[psutil.Process]:
    assert children.nursery_id is not None
    return psutil.Process(children.nursery_id).children()


async def until_none_lives(children: Children) -> None:
    async def gone() -> bool:
        return not await living(children)

    await until(gone)


async def test_pages_come_in_order_with_their_text(children: Children, file: Path) -> None:
    opened, *parts = await read(children, file, hostile_files.pdf("one", "two", "three"))
    assert opened == Opened(3, has_pages=True)
    assert parts == [Part(1, "one"), Part(2, "two"), Part(3, "three")]


async def test_reading_goes_on_from_any_page(children: Children, file: Path) -> None:
    opened, *parts = await read(children, file, hostile_files.pdf("one", "two", "three"), first=3)
    assert (opened, parts) == (Opened(3, has_pages=True), [Part(3, "three")])


async def test_a_text_has_parts_and_no_pages(children: Children, file: Path) -> None:
    text = "\n\n".join(hostile_files.prose(number, 10) for number in range(30))
    opened, *parts = await read(children, file, text.encode(), "txt")
    assert opened == Opened(len(parts), has_pages=False)
    assert len(parts) > 1


async def test_the_first_page_is_there_while_the_rest_is_still_to_be_read(children: Children, file: Path) -> None:
    file.write_bytes(hostile_files.long_pdf(300))
    async with aclosing(Reading(children, str(file), "pdf").parts()) as parts:
        assert await anext(parts) == Opened(300, has_pages=True)
        first = await anext(parts)
        assert isinstance(first, Part)
        assert "On page 1 line 1" in (first.text or "")
        # The child waits: the pipe holds a few pages and nobody takes more.
        assert await living(children)
    await until_none_lives(children)


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (hostile_files.pdf("secret", password="open sesame"), "document-encrypted"),
        (b"%PDF-1.7\nnothing of a PDF follows", "document-damaged"),
        (hostile_files.pdf("cut " * 500)[:300], "document-damaged"),
        (
            hostile_files.pdf_objects(b"<< /Type /Catalog /Pages 2 0 R >>", b"<< /Type /Pages /Kids [] /Count 0 >>"),
            None,
        ),
    ],
)
async def test_a_file_that_cannot_be_opened_is_named(
    children: Children, file: Path, content: bytes, code: str | None
) -> None:
    assert await refusal(children, file, content) in ((code,) if code else ("document-empty", "document-damaged"))


async def test_a_picture_of_a_page_is_told_from_an_empty_page(children: Children, file: Path) -> None:
    assert (await read(children, file, hostile_files.scanned_pdf()))[1] == Part(1, "", pictures=True)
    assert (await read(children, file, hostile_files.pdf("")))[1] == Part(1, "", pictures=False)


async def test_a_page_that_inflates_to_a_gigabyte_ends_its_child_only(children: Children, file: Path) -> None:
    started = time.monotonic()
    assert (await read(children, file, hostile_files.inflating_pdf(1024 * MEBIBYTE)))[1] == Part(1, None)
    assert time.monotonic() - started < 30
    await until_none_lives(children)
    assert (await read(children, file, hostile_files.pdf("next")))[1] == Part(1, "next")


async def test_a_tree_of_a_million_pages_is_refused(children: Children, file: Path) -> None:
    started = time.monotonic()
    code = await refusal(children, file, hostile_files.pdf_that_claims_pages(1_000_000))
    assert code in ("document-too-many-pages", "document-damaged")
    assert time.monotonic() - started < 20


async def test_too_many_pages_are_refused(file: Path) -> None:
    async with Children(replace(LIMITS, pages=2)) as children:
        assert await refusal(children, file, hostile_files.pdf("1", "2", "3")) == "document-too-many-pages"


async def test_too_much_text_on_a_page_is_refused(file: Path) -> None:
    async with Children(replace(LIMITS, page_characters=100)) as children:
        assert await refusal(children, file, hostile_files.pdf("short", "long " * 50)) == "document-too-long"


async def test_too_much_text_in_all_is_refused(file: Path) -> None:
    async with Children(replace(LIMITS, characters=100)) as children:
        assert (
            await refusal(children, file, hostile_files.pdf(*["some words on this page"] * 10)) == "document-too-long"
        )
        assert await refusal(children, file, b"text " * 100, "txt") == "document-too-long"


async def test_a_reader_that_hangs_is_killed(file: Path) -> None:
    # Reading a named pipe that nobody writes to hangs for ever.
    os.mkfifo(file)
    async with Children(replace(LIMITS, page_seconds=0.2)) as children:
        parts = Reading(children, str(file), "txt").parts()
        with pytest.raises(ReadingFailed, match="document-too-complex"):
            await anext(parts)
        await until_none_lives(children)


async def test_damage_anywhere_gives_pages_or_a_refusal(children: Children, file: Path) -> None:
    chance = random.Random(20261120)
    whole = {
        "pdf": hostile_files.pdf(*(hostile_files.prose(n, 20) for n in range(4))),
        "docx": hostile_files.docx("text " * 500),
    }
    for _ in range(30):
        for kind, content in whole.items():
            damaged = bytearray(content)
            for _ in range(chance.randint(1, 30)):
                damaged[chance.randrange(len(damaged))] = chance.randrange(256)
            try:
                assert await read(children, file, bytes(damaged), kind)
            except ReadingFailed as refused:
                assert refused.code in FAILURES  # noqa: PT017 - either is right
    await until_none_lives(children)


async def test_reading_stops_after_its_time(file: Path) -> None:
    async with Children(replace(LIMITS, total_seconds=0.0)) as children:
        assert await refusal(children, file, hostile_files.pdf("1")) == "document-too-complex"


async def test_a_page_that_kills_its_reader_is_tried_with_the_other_and_then_left(
    children: Children, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    orders: list[Order] = []
    frames = children.frames

    def killed_at_two(order: Order) -> object:
        orders.append(order)
        return _killed(frames(order), at=2 if len(orders) <= 2 else 0)

    monkeypatch.setattr(children, "frames", killed_at_two)
    _, *parts = await read(children, file, hostile_files.pdf("one", "two", "three"))
    assert parts == [Part(1, "one"), Part(2, None), Part(3, "three")]
    assert [(order.reader, order.first, order.last) for order in orders] == [
        ("first", 1, None),
        ("last_resort", 2, 2),
        ("first", 3, None),
    ]


async def test_the_other_reader_saves_a_page(children: Children, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    frames = children.frames
    attempts = 0

    def killed_once(order: Order) -> object:
        nonlocal attempts
        attempts += 1
        return _killed(frames(order), at=2 if attempts == 1 else 0)

    monkeypatch.setattr(children, "frames", killed_once)
    _, *parts = await read(children, file, hostile_files.pdf("one", "two", "three"))
    assert [part.text.strip() for part in parts if isinstance(part, Part) and part.text] == ["one", "two", "three"]


async def _killed(frames, at: int):  # type: ignore[no-untyped-def]  # stands in for frames() of Children
    """The child is killed when it comes to page `at`."""
    async with aclosing(frames):
        async for frame in frames:
            if isinstance(frame, Part) and frame.number == at:
                raise TimeoutError
            yield frame


async def test_a_document_that_kills_every_child_is_given_up(
    children: Children, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    frames = children.frames
    monkeypatch.setattr(children, "frames", lambda order: _killed(frames(order), at=order.first))
    content = hostile_files.pdf(*["page"] * 40)
    assert await refusal(children, file, content) == "document-too-complex"


async def test_the_children_end_when_the_worker_is_gone(file: Path) -> None:
    children = Children(LIMITS)
    await children.__aenter__()
    file.write_bytes(hostile_files.long_pdf(300))
    parts = Reading(children, str(file), "pdf").parts()
    await anext(parts)
    (child,) = await living(children)
    await children.__aexit__(None, None, None)

    async def gone() -> bool:
        return not child.is_running() or child.status() == psutil.STATUS_ZOMBIE

    await until(gone)
    await parts.aclose()


async def test_after_the_end_nothing_is_started(file: Path) -> None:
    children = Children(LIMITS)
    await children.__aexit__(None, None, None)
    with pytest.raises(RuntimeError, match="has ended"):
        await read(children, file, b"text", "txt")
    assert children.nursery_id is None


async def test_a_nursery_that_was_killed_is_started_again(children: Children, file: Path) -> None:
    await read(children, file, hostile_files.pdf("one"))
    assert children.nursery_id is not None
    first = children.nursery_id
    os.kill(first, signal.SIGKILL)

    async def noticed() -> bool:
        return children.nursery_id is None

    await until(noticed)
    assert (await read(children, file, hostile_files.pdf("two")))[1] == Part(1, "two")
    assert children.nursery_id != first


async def test_a_child_cannot_write_files_and_knows_no_secrets(
    children: Children, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert children.nursery_id is not None
    environment = psutil.Process(children.nursery_id).environ()
    assert not [name for name in environment if "URL" in name or "KEY" in name or "SECRET" in name]


def test_neither_the_worker_nor_a_neighbour_can_be_looked_into(file: Path) -> None:
    file.write_bytes(hostile_files.long_pdf(300))
    script = Path(__file__).with_name("watched_worker.py")
    done = subprocess.run([sys.executable, script, file], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {"worker before": True, "worker": False, "nursery": False, "child": False}


async def test_many_documents_are_read_at_the_same_time(children: Children, tmp_path: Path) -> None:
    contents = [hostile_files.pdf(f"document {number}") for number in range(8)]
    texts = await asyncio.gather(
        *(read(children, tmp_path / str(number), content) for number, content in enumerate(contents))
    )
    assert [parts[1] for parts in texts] == [Part(1, f"document {number}") for number in range(8)]


def test_frames_survive_the_pipe() -> None:
    for frame in (Opened(3, True), Part(1, "Größe\n☃", True), Part(2, None)):
        sent = encode(frame)
        assert body_length(sent[:4]) == len(sent) - 4
        assert decode(sent[4:]) == frame


@pytest.mark.parametrize("body", [b"", b"[]", b'["Part"]', b'["Nothing", {}]', b'["Part", {"x": 1}]', b"\xff"])
def test_what_is_no_frame_is_refused(body: bytes) -> None:
    with pytest.raises(ValueError, match="not a frame"):
        decode(body)


def test_a_frame_of_gigabytes_is_refused() -> None:
    with pytest.raises(ValueError, match="bytes"):
        body_length(b"\xff\xff\xff\xff")
