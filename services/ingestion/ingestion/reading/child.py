"""What a child does: read what was ordered, say it in frames, end."""

from collections.abc import Callable, Iterator
from pathlib import Path

from ingestion.failures import ReadingFailed
from ingestion.reading.cleaning import clean
from ingestion.reading.docx import read_docx
from ingestion.reading.frames import Finished, Frame, Opened, Order, Part, Refused, encode
from ingestion.reading.limits import ReadingLimits
from ingestion.reading.parts import parts
from ingestion.reading.pdf import read_pdf
from ingestion.reading.plain import decode

# With these no other reader would fare better.
_FINAL = frozenset(
    {"document-encrypted", "document-too-many-pages", "document-too-long", "document-inflates", "document-encoding"}
)


def read(order: Order, limits: ReadingLimits, write: Callable[[bytes], object]) -> None:
    """Write the frames of the parts that were ordered. Never raises for what a file does."""
    try:
        for frame in _frames(order, limits):
            write(encode(frame))
        write(encode(Finished()))
    except ReadingFailed as failed:
        write(encode(Refused(failed.code, final=failed.code in _FINAL)))
    except (MemoryError, RecursionError):
        write(encode(Refused("document-too-complex", final=False)))


def _frames(order: Order, limits: ReadingLimits) -> Iterator[Frame]:
    if order.kind == "pdf":
        return iter(read_pdf(order, limits))
    text = read_docx(Path(order.path), limits) if order.kind == "docx" else decode(Path(order.path).read_bytes())
    return _without_pages(text, order, limits)


def _without_pages(text: str, order: Order, limits: ReadingLimits) -> Iterator[Frame]:
    if len(text) > limits.characters:
        raise ReadingFailed("document-too-long")
    cut = list(parts(clean(text)))
    if not cut:
        raise ReadingFailed("document-empty")
    yield Opened(parts=len(cut), has_pages=False)
    for number, part in enumerate(cut, start=1):
        if order.first <= number <= (order.last or len(cut)):
            yield Part(number, part)
