"""Why a document could not be read: stable codes, and what a student is told."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Failure:
    """`title` names what is wrong, `detail` says what to do. `passing` where the same file may succeed later."""

    title: str
    detail: str
    passing: bool = False


FAILURES: dict[str, Failure] = {
    "document-encrypted": Failure(
        "It is protected by a password",
        "This file needs a password to be opened. Save a copy without the password and upload that copy.",
    ),
    "document-scanned": Failure(
        "It looks scanned",
        "The pages of this PDF are pictures (it looks scanned), so there is no text to read. Run text recognition (OCR) over it, "
        "for example with a scanner app or ocrmypdf, and upload the result.",
    ),
    "document-empty": Failure(
        "There is no text in it",
        "This file holds no text. Check that it is the right one, and upload a file with text.",
    ),
    "document-damaged": Failure(
        "It is damaged",
        "This file is damaged or incomplete and cannot be opened. Export or download it again and upload the new copy.",
    ),
    "document-unsupported": Failure(
        "This kind of file is not supported",
        "This file is not a PDF, Word (.docx), Markdown or text document. Save it as one of these and upload that.",
    ),
    "document-encoding": Failure(
        "Its characters cannot be read",
        "The characters of this text file are not valid: it is cut, damaged, or in an encoding that cannot be told. Save it as "
        "UTF-8 and upload it again.",
    ),
    "document-inflates": Failure(
        "It unpacks to far too much",
        "This Word file unpacks to far more than a document holds, so it is not opened. Copy its text into a new document and "
        "upload that.",
    ),
    "document-too-many-pages": Failure(
        "It has too many pages",
        "This file has more pages than can be read at once. Split it, for example by chapter, and upload the parts.",
    ),
    "document-too-long": Failure(
        "It holds too much text",
        "This file holds more text than can be read at once. Split it, for example by chapter, and upload the parts.",
    ),
    "document-too-complex": Failure(
        "It takes too much to read",
        "Reading this file takes more time or memory than a document may. Print it to a new PDF, or split it, and upload the "
        "result.",
    ),
    "embedding-unavailable": Failure(
        "It could not be prepared for search",
        "The model that makes the text searchable could not be reached, although it was tried several times. Try again later.",
        passing=True,
    ),
    "document-unfinished": Failure(
        "Reading it did not succeed",
        "Something went wrong on our side while this file was read, several times over; it has been logged. Try again, and if it "
        "fails again, upload another copy of the file.",
        passing=True,
    ),
}


class ReadingFailed(Exception):
    """The file cannot be read; `code` is one of `FAILURES`."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code
        self.failure = FAILURES[code]
