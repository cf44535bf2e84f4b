"""Decks from files and into files; the pictures and sounds of cards."""

import re
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path as FilePath
from typing import Annotated, Literal
from urllib.parse import quote
from uuid import UUID, uuid4

from chassis.errors import Invalid, TooLarge
from chassis.storage import Storage
from fastapi import APIRouter, Depends, File, Path, Query, Request, Response, UploadFile
from fastapi.responses import FileResponse, StreamingResponse
from starlette.background import BackgroundTask

from flashcard.api.parts import DeskDep
from flashcard.decks import Decks
from flashcard.exporting import Exporting
from flashcard.import_work import look
from flashcard.imports import Imports
from flashcard.media import MOST_BYTES, MediaNames, Shelves, content_type, media_name
from flashcard.schemas import ImportOut, MediaOut, RunImport, import_out

router = APIRouter(tags=["flashcards"])
MOST_PACKAGE = 256 * 1024 * 1024
_BLOCK = 256 * 1024
_UNSPEAKABLE = re.compile(r"[\x00-\x1f\x7f-\x9f/\\\ud800-\udfff]")
_SEPARATORS = {"csv": ",", "tsv": "\t"}


async def _storage(request: Request) -> Storage:
    storage: Storage = request.app.state.storage
    return storage


StorageDep = Annotated[Storage, Depends(_storage)]


@router.post("/decks/import", status_code=201, openapi_extra={"x-body-limit": MOST_PACKAGE, "x-timeout": 120})
async def begin_import(
    file: Annotated[UploadFile, File()], desk: DeskDep, storage: StorageDep, request: Request
) -> ImportOut:
    """Upload an Anki package (`.apkg`, of any age) or a table (CSV, TSV), and see what importing it would do. Nothing is imported
    before `POST /decks/imports/{id}/run`."""
    imports = Imports(desk.session, desk.owner)
    await imports.expect_room()
    import_id = uuid4()
    key = f"{desk.owner}/imports/{import_id}"
    await storage.put(key, _blocks(file, MOST_PACKAGE))
    try:
        async with storage.local_copy(key) as path:
            preview = await look(path, request.app.state.database, desk.owner, request.app.state.clock)
    except BaseException:
        await storage.discard(key)
        raise
    filename = _UNSPEAKABLE.sub("", file.filename or "")[:200] or "deck"
    return import_out(imports.add(import_id, filename, key, preview, desk.now))


@router.get("/decks/imports/{import_id}")
async def get_import(import_id: UUID, desk: DeskDep) -> ImportOut:
    """How far an import is."""
    return import_out(await Imports(desk.session, desk.owner).get(import_id))


@router.post("/decks/imports/{import_id}/run", status_code=202)
async def run_import(import_id: UUID, body: RunImport, desk: DeskDep) -> ImportOut:
    """Import it: all of it, or nothing if it fails. A failed one may be run again."""
    wanted = await Imports(desk.session, desk.owner).run(import_id, scheduling=body.scheduling, now=desk.now)
    return import_out(wanted)


@router.delete("/decks/imports/{import_id}", status_code=204)
async def delete_import(import_id: UUID, desk: DeskDep, storage: StorageDep) -> None:
    """Forget an import; what was imported stays."""
    key = await Imports(desk.session, desk.owner).remove(import_id)
    await storage.discard(key)


@router.get("/decks/{deck_id}/export", response_class=Response, openapi_extra={"x-timeout": 120})
async def export_deck(
    deck_id: UUID,
    desk: DeskDep,
    storage: StorageDep,
    form: Annotated[Literal["apkg", "csv", "tsv"], Query(alias="format")] = "apkg",
    scheduling: Annotated[bool, Query(description="With what is known of the cards, and the log")] = True,
) -> Response:
    """The deck with what lies in it: an Anki package, or a table of the texts."""
    deck = await Decks(desk.session, desk.owner).get(deck_id)
    exporting = Exporting(desk.session, desk.owner, storage, desk.now)
    named = {
        "Content-Disposition": f"attachment; filename*=UTF-8''{quote(deck.name.replace('::', '-'), safe='')}.{form}"
    }
    if form != "apkg":
        table = await exporting.table(deck, _SEPARATORS[form])
        return Response(table, media_type="text/tab-separated-values" if form == "tsv" else "text/csv", headers=named)
    with tempfile.NamedTemporaryFile(prefix="deck-", suffix=".apkg", delete=False) as file:
        path = FilePath(file.name)
    try:
        await exporting.package(deck, path, scheduling=scheduling)
    except BaseException:
        path.unlink()  # noqa: ASYNC240 # a local file's name is gone at once
        raise
    return FileResponse(path, media_type="application/apkg", headers=named, background=BackgroundTask(path.unlink))


@router.post("/flashcards/media", status_code=201, openapi_extra={"x-body-limit": MOST_BYTES + 64 * 1024})
async def upload_media(file: Annotated[UploadFile, File()], desk: DeskDep, storage: StorageDep) -> MediaOut:
    """Keep a picture or sound; cards use it by the name that is given back: `<img src="name">`, `[sound:name]`."""
    name = media_name(file.filename or "")
    stored = await Shelves(storage, desk.owner).put(lambda: _again(file))
    given = await MediaNames(desk.session, desk.owner).keep({name: stored}, desk.now)
    return MediaOut(name=given[name], size=stored.size, content_type=content_type(given[name]))


@router.get("/flashcards/media/{name}", response_class=Response)
async def get_media(name: Annotated[str, Path(max_length=300)], desk: DeskDep, storage: StorageDep) -> Response:
    """A picture or sound. What a browser could run is only ever downloaded."""
    media = await MediaNames(desk.session, desk.owner).get(name)
    kind = content_type(media.name)
    shown = "attachment" if kind == "application/octet-stream" else "inline"
    headers = {
        "Content-Length": str(media.size),
        "Content-Disposition": f"{shown}; filename*=UTF-8''{quote(media.name, safe='')}",
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "private, max-age=3600",
    }
    return StreamingResponse(Shelves(storage, desk.owner).blocks(media), media_type=kind, headers=headers)


async def _blocks(file: UploadFile, most: int) -> AsyncIterator[bytes]:
    size = 0
    while block := await file.read(_BLOCK):
        size += len(block)
        if size > most:
            raise TooLarge(f"A deck may have {most // 1_048_576} MiB. Export it in parts.", max_bytes=most)
        yield block
    if size == 0:
        raise Invalid("The file is empty. Export the deck again, and upload the result.")


def _again(file: UploadFile) -> Iterator[bytes]:
    file.file.seek(0)
    while block := file.file.read(_BLOCK):
        yield block
