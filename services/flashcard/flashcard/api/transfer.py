"""Decks from files and into files; the pictures and sounds of cards."""

import asyncio
import hashlib
import re
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path as FilePath
from typing import Annotated, Literal
from urllib.parse import quote
from uuid import UUID, uuid4

from chassis.clock import Clock
from chassis.database import DatabaseDep
from chassis.errors import Invalid, TooLarge
from chassis.idempotency import IdempotencyDep, IdempotencyKey, idempotency_for
from chassis.identity import CurrentUser
from fastapi import APIRouter, File, Path, Query, Request, Response, UploadFile
from fastapi.responses import FileResponse, JSONResponse, StreamingResponse
from starlette.background import BackgroundTask

from flashcard.api.parts import DeskDep, StorageDep
from flashcard.decks import Decks
from flashcard.erasure import expect_account
from flashcard.exporting import Exporting
from flashcard.import_work import look
from flashcard.imports import Imports
from flashcard.media import MOST_BYTES, MediaNames, Shelves, content_type, media_name
from flashcard.patience import lose_patience
from flashcard.schemas import ImportOut, MediaOut, RunImport, import_out

router = APIRouter(tags=["flashcards"])
MOST_PACKAGE = 256 * 1024 * 1024
_BLOCK = 256 * 1024
_UNSPEAKABLE = re.compile(r"[\x00-\x1f\x7f-\x9f/\\\ud800-\udfff]")
_SEPARATORS = {"csv": ",", "tsv": "\t"}


@router.post(
    "/decks/import",
    status_code=201,
    responses={201: {"model": ImportOut}},
    response_model=None,
    openapi_extra={"x-body-limit": MOST_PACKAGE, "x-timeout": 120},
)
async def begin_import(
    file: Annotated[UploadFile, File()],
    request: Request,
    user: CurrentUser,
    database: DatabaseDep,
    storage: StorageDep,
    *,
    key: IdempotencyKey = None,
) -> Response:
    """Upload an Anki package (`.apkg`, of any age) or a table (CSV, TSV), and see what importing it would do. Nothing is imported
    before `POST /decks/imports/{id}/run`."""
    clock: Clock = request.app.state.clock
    filename = _UNSPEAKABLE.sub("", file.filename or "")[:200] or "deck"
    mark = filename.encode() + await asyncio.to_thread(_digest, file)
    # No connection is held while the file is stored and read.
    async with database.transaction() as session:
        if (earlier := await idempotency_for(request, session, user.id, key).answered(mark)) is not None:
            return earlier
        await Imports(session, user.id).expect_room()
    import_id = uuid4()
    stored = f"{user.id}/imports/{import_id}"
    await storage.put(stored, _blocks(file, MOST_PACKAGE))
    try:
        async with storage.local_copy(stored) as path:
            preview = await look(path, database, user.id, clock, request.app.state.fresh)
        async with database.transaction() as session:
            await expect_account(session, storage, user.id)
            once = idempotency_for(request, session, user.id, key)
            if (earlier := await once.replay(mark)) is None:
                shown = import_out(Imports(session, user.id).add(import_id, filename, stored, preview, clock()))
                await once.remember(shown)
    except BaseException:
        await storage.discard(stored)
        raise
    if earlier is not None:
        await storage.discard(stored)
        return earlier
    return JSONResponse(shown.model_dump(mode="json"), status_code=201)


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


@router.post(
    "/flashcards/media",
    status_code=201,
    responses={201: {"model": MediaOut}},
    response_model=None,
    openapi_extra={"x-body-limit": MOST_BYTES + 64 * 1024},
)
async def upload_media(
    file: Annotated[UploadFile, File()], desk: DeskDep, storage: StorageDep, once: IdempotencyDep
) -> Response:
    """Keep a picture or sound; cards use it by the name that is given back: `<img src="name">`, `[sound:name]`."""
    name = media_name(file.filename or "")
    # Under its hash, so that it may be stored twice; the session has no connection yet.
    stored = await Shelves(storage, desk.owner).put(lambda: _again(file))
    await expect_account(desk.session, storage, desk.owner)
    if (earlier := await once.replay(name.encode() + stored.digest)) is not None:
        return earlier
    await lose_patience(desk.session)  # an import may be bringing a file of this name
    given = await MediaNames(desk.session, desk.owner).keep({name: stored}, desk.now)
    shown = MediaOut(name=given[name], size=stored.size, content_type=content_type(given[name]))
    await once.remember(shown)
    return JSONResponse(shown.model_dump(mode="json"), status_code=201)


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


def _digest(file: UploadFile) -> bytes:
    """The SHA-256 of what was uploaded, which is read again from its start afterwards."""
    digest = hashlib.file_digest(file.file, "sha256").digest()  # type: ignore[arg-type]  # it has what that needs
    file.file.seek(0)
    return digest


def _again(file: UploadFile) -> Iterator[bytes]:
    file.file.seek(0)
    while block := file.file.read(_BLOCK):
        yield block
