"""A stored file as an answer: streamed, whole or one range of it, and never run by a browser."""

import re
from collections.abc import AsyncIterator
from urllib.parse import quote

from chassis.errors import NotFound, Problem
from chassis.storage import Storage
from starlette.responses import StreamingResponse

from ingestion.models import Document, Kind

MEDIA_TYPES = {
    Kind.PDF: "application/pdf",
    Kind.DOCX: "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    Kind.TEXT: "text/plain",
    Kind.MARKDOWN: "text/markdown",
}
_RANGE = re.compile(r"bytes=(\d*)-(\d*)")


class RangeNotSatisfiable(Problem):
    type, status, title = "range-not-satisfiable", 416, "There is no such part of the file"


class FileGone(NotFound):
    type = "file-gone"


async def file_response(document: Document, storage: Storage, wanted: str | None) -> StreamingResponse:
    """The file, or the range that a `Range` header asks for. Raises `RangeNotSatisfiable`, `FileGone`."""
    start, end = _range(wanted, document.size)
    whole = (start, end) == (0, document.size)
    blocks = storage.blocks(document.storage_key, start, end)
    try:
        first = await anext(blocks)
    except (FileNotFoundError, StopAsyncIteration) as error:
        raise FileGone(
            "The file of this document is not there any more. Delete the document and upload it again."
        ) from error

    async def body() -> AsyncIterator[bytes]:
        yield first
        async for block in blocks:
            yield block

    headers = {
        "Content-Length": str(end - start),
        "Content-Disposition": f"attachment; filename*=UTF-8''{quote(document.filename, safe='')}",
        "Accept-Ranges": "bytes",
        "ETag": f'"{document.sha256.hex()}"',
        "Cache-Control": "private, no-cache",
        "X-Content-Type-Options": "nosniff",
    }
    if not whole:
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{document.size}"
    return StreamingResponse(
        body(), status_code=200 if whole else 206, media_type=MEDIA_TYPES[document.kind], headers=headers
    )


def _range(wanted: str | None, size: int) -> tuple[int, int]:
    """What is asked for, `start` up to `end`. Whatever is not one plain range is answered with the whole, as RFC 9110 allows."""
    match = _RANGE.fullmatch(wanted.strip()) if wanted else None
    if match is None or match[0] == "bytes=-":
        return 0, size
    first, last = match.groups()
    if not first:
        start, end = max(0, size - int(last)), size
    else:
        start, end = int(first), min(int(last) + 1 if last else size, size)
    if start >= end:
        raise RangeNotSatisfiable(
            f"The file has {size} bytes. Ask for a part of them.", headers={"Content-Range": f"bytes */{size}"}
        )
    return start, end
