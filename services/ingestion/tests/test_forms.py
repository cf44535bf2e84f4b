"""A multipart form is read piece by piece, however it is cut into blocks."""

from collections.abc import AsyncIterator, Sequence
from itertools import pairwise

import pytest
from chassis.errors import Invalid, Malformed, Problem
from hypothesis import given
from hypothesis import strategies as st
from ingestion.forms import NoFile, UploadCut, incoming_file

CONTENT = b"line one\r\n--not the boundary\r\n\r\nline two\x00\xff"


def part(content: bytes, name: str = "file", filename: str | None = "notes.txt") -> bytes:
    named = f'; filename="{filename}"' if filename is not None else ""
    return b'--B\r\nContent-Disposition: form-data; name="%s"%s\r\n\r\n%s\r\n' % (
        name.encode(),
        named.encode(),
        content,
    )


END = b"--B--\r\n"
HEADERS = {"content-type": "multipart/form-data; boundary=B"}


async def sent(blocks: Sequence[bytes]) -> AsyncIterator[bytes]:
    for block in blocks:
        yield block


async def received(*blocks: bytes, headers: dict[str, str] = HEADERS) -> tuple[str, bytes]:
    file = await incoming_file(headers, sent(blocks))
    return file.filename, b"".join([block async for block in file.blocks])


@given(st.lists(st.integers(0, 300), max_size=8))
async def test_the_file_comes_out_however_the_body_is_cut(cuts: list[int]) -> None:
    body = (
        part(b"ignored", name="title", filename=None) + part(CONTENT) + part(b"too", name="more", filename=None) + END
    )
    places = [0, *sorted(min(cut, len(body)) for cut in cuts), len(body)]
    blocks = [body[start:end] for start, end in pairwise(places)]
    assert await received(*blocks) == ("notes.txt", CONTENT)


async def test_an_empty_file_is_a_file() -> None:
    assert await received(part(b"") + END) == ("notes.txt", b"")


async def test_a_name_may_be_in_any_language() -> None:
    name, _ = await received(part(b"x", filename="Größe 需要.pdf") + END)
    assert name == "Größe 需要.pdf"


@pytest.mark.parametrize(
    ("headers", "body", "problem"),
    [
        ({}, b"", NoFile),
        ({"content-type": "application/pdf"}, b"%PDF-1.4", NoFile),
        ({"content-type": "multipart/form-data"}, part(b"x") + END, NoFile),
        (HEADERS, part(b"x", name="document") + END, NoFile),
        (HEADERS, part(b"x", filename=None) + END, NoFile),
        (HEADERS, b"", UploadCut),
        (HEADERS, part(b"x")[:40], UploadCut),
        (HEADERS, part(CONTENT), UploadCut),
        (HEADERS, part(CONTENT)[:-10], UploadCut),
        (HEADERS, part(b"one") + part(b"two") + END, Invalid),
        (HEADERS, b"no form at all", Malformed),
        (HEADERS, b"--B\r\nContent-Disposition: " + b"x" * 20_000, Malformed),
        ({"content-type": f"multipart/form-data; boundary={'B' * 5000}"}, b"", Problem),
    ],
)
async def test_a_form_without_one_whole_file_is_refused(
    headers: dict[str, str], body: bytes, problem: type[Problem]
) -> None:
    with pytest.raises(problem):
        await received(body, headers=headers)
