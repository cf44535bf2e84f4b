"""A multipart form with one file, read as it arrives: nothing is kept but the piece at hand."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass

from chassis.errors import Invalid, Malformed
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

FIELD = "file"
MOST_HEADER_BYTES = 16 * 1024


class NoFile(Invalid):
    type = "file-missing"


class UploadCut(Malformed):
    type, title = "upload-incomplete", "The upload was cut off"


@dataclass(frozen=True, slots=True)
class IncomingFile:
    """A file on its way: the name that the sender gave, and its bytes once."""

    filename: str
    blocks: AsyncIterator[bytes]


class _Form:
    """What the parser has met so far."""

    def __init__(self, boundary: bytes) -> None:
        self.filename: str | None = None
        self.ready: list[bytes] = []
        self.finished = False
        self._header: list[bytearray] = [bytearray(), bytearray()]
        self._disposition = b""
        self._in_file = False
        self.parser = MultipartParser(
            boundary,
            {
                "on_part_begin": self._begin,
                "on_header_field": lambda data, start, end: self._keep(0, data[start:end]),
                "on_header_value": lambda data, start, end: self._keep(1, data[start:end]),
                "on_header_end": self._end_header,
                "on_headers_finished": self._end_headers,
                "on_part_data": self._take,
                "on_part_end": self._end,
                "on_end": self._finish,
            },
        )

    def _begin(self) -> None:
        self._disposition = b""

    def _keep(self, which: int, piece: bytes) -> None:
        self._header[which] += piece
        if len(self._header[which]) > MOST_HEADER_BYTES:
            raise Malformed("A header of the form is too long.")

    def _end_header(self) -> None:
        name, value = (bytes(part) for part in self._header)
        self._header = [bytearray(), bytearray()]
        if name.lower() == b"content-disposition":
            self._disposition = value

    def _end_headers(self) -> None:
        _, options = parse_options_header(self._disposition)
        if options.get(b"name", b"").decode("utf-8", "replace") != FIELD or b"filename" not in options:
            return
        if self.filename is not None:
            raise Invalid("One file at a time: send each in a request of its own.")
        self.filename = options[b"filename"].decode("utf-8", "replace")
        self._in_file = True

    def _take(self, data: bytes, start: int, end: int) -> None:
        if self._in_file and end > start:
            self.ready.append(data[start:end])

    def _end(self) -> None:
        self._in_file = False

    def _finish(self) -> None:
        self.finished = True

    def feed(self, block: bytes) -> None:
        try:
            self.parser.write(block)
        except FormParserError as error:
            raise Malformed("The body is not a valid multipart form.") from error


async def incoming_file(headers: Mapping[str, str], body: AsyncIterator[bytes]) -> IncomingFile:
    """The form's file, as soon as its name is known. Its blocks raise `UploadCut` when the form ends too early."""
    media_type, options = parse_options_header(headers.get("content-type", ""))
    if media_type != b"multipart/form-data" or not options.get(b"boundary"):
        raise NoFile(f"Send the document as multipart/form-data, in a field named “{FIELD}”.")
    try:
        form = _Form(options[b"boundary"])
    except FormParserError as error:
        raise Malformed("The boundary of the multipart form is not valid.") from error
    async for block in body:
        form.feed(block)
        if form.filename is not None:
            return IncomingFile(form.filename, _blocks(form, body))
    if not form.finished:
        raise UploadCut("The form ended before it was complete. Send it again.")
    raise NoFile(f"The form has no file. Send the document in a field named “{FIELD}”.")


async def _blocks(form: _Form, body: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    while True:
        for piece in form.ready:
            yield piece
        form.ready.clear()
        try:
            block = await anext(body)
        except StopAsyncIteration:
            break
        form.feed(block)
    if not form.finished:
        raise UploadCut("The upload was cut off before its end. Send it again.")
