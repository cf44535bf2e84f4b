"""The HTTP edge of ingestion."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from chassis.clock import Clock
from chassis.database import DatabaseDep, SessionDep
from chassis.idempotency import IdempotencyKey, idempotency_for
from chassis.identity import CurrentUser, EmailNotVerified, require_verified_email
from chassis.paging import Page, PageDep, moment
from chassis.personal_data import export_router
from chassis.storage import Storage
from fastapi import APIRouter, Depends, Header, Request, Response
from fastapi.responses import JSONResponse
from sqlmodel.ext.asyncio.session import AsyncSession
from starlette.requests import ClientDisconnect

from ingestion.answers import DocumentOut, PageOut
from ingestion.downloads import MEDIA_TYPES, file_response
from ingestion.forms import UploadCut, incoming_file
from ingestion.intake import Intake, UploadTooSlow
from ingestion.jobs import Jobs
from ingestion.library import Library
from ingestion.likeness import Likeness, LikenessAnswer, LikenessQuery
from ingestion.models import Document
from ingestion.sampling import Sample, SampleQuery, sample
from ingestion.search import Search, SearchAnswer, SearchQuery
from ingestion.settings import MOST_UPLOAD_BYTES
from ingestion.sweeping import discard
from ingestion.uploads import too_large

router = APIRouter(tags=["documents"])
routers = (router, export_router("ingestion"))
inside = APIRouter(tags=["search"])
# A form has a little around its file.
FORM_BYTES = 64 * 1024
# What is read, and thrown away, of a refused upload, so that the sender reads the refusal and not a broken connection.
DRAIN_BYTES = 8 * 1024 * 1024
DRAIN_SECONDS = 5.0
# Of somebody whom we know, and who is to learn what to do, it may be a whole document.
PATIENT_DRAIN_SECONDS = 60.0
_FORM = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {
                        "file": {
                            "type": "string",
                            "format": "binary",
                            "description": "A PDF, Word (.docx), Markdown or text document",
                        }
                    },
                }
            }
        },
    },
    "x-body-limit": MOST_UPLOAD_BYTES + FORM_BYTES,
    "x-timeout": 900,
}
_AS_STORED = {kind: {"schema": {"type": "string", "format": "binary"}} for kind in sorted(MEDIA_TYPES.values())}
_FILE: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The file",
        "content": _AS_STORED,
    },
    206: {"description": "The range of it that was asked for", "content": _AS_STORED},
}


async def _library(session: SessionDep, user: CurrentUser) -> Library:
    return Library(session, user.id)


async def _intake(request: Request) -> Intake:
    intake: Intake = request.app.state.intake
    return intake


async def _storage(request: Request) -> Storage:
    storage: Storage = request.app.state.storage
    return storage


async def _jobs(request: Request) -> Jobs:
    jobs: Jobs = request.app.state.jobs
    return jobs


async def _search(request: Request) -> Search:
    search: Search = request.app.state.search
    return search


async def _local_search(request: Request) -> Search:
    search: Search = request.app.state.local_search
    return search


async def _likeness(request: Request) -> Likeness:
    likeness: Likeness = request.app.state.likeness
    return likeness


async def _local_likeness(request: Request) -> Likeness:
    likeness: Likeness = request.app.state.local_likeness
    return likeness


async def _now(request: Request) -> datetime:
    clock: Clock = request.app.state.clock
    return clock()


LibraryDep = Annotated[Library, Depends(_library)]
IntakeDep = Annotated[Intake, Depends(_intake)]
StorageDep = Annotated[Storage, Depends(_storage)]
JobsDep = Annotated[Jobs, Depends(_jobs)]
SearchDep = Annotated[Search, Depends(_search)]
LocalSearchDep = Annotated[Search, Depends(_local_search)]
NowDep = Annotated[datetime, Depends(_now)]


@router.post(
    "/documents",
    status_code=202,
    response_model=DocumentOut,
    responses={
        200: {"model": DocumentOut, "description": "These bytes were uploaded before: the document that is there"}
    },
    openapi_extra=_FORM,
)
async def upload_document(
    request: Request, user: CurrentUser, intake: IntakeDep, jobs: JobsDep, key: IdempotencyKey = None
) -> Response:
    """Upload a document. It is stored when this answers, and read afterwards: watch its `status` and `progress`."""
    body = request.stream()
    answer: list[Response] = []

    async def settle(session: AsyncSession, document: Document, new: bool) -> None:
        once = idempotency_for(request, session, user.id, key)
        if (earlier := await once.replay(document.sha256)) is not None:
            answer.append(earlier)
            return
        out, status = DocumentOut.of(document), 202 if new else 200
        await once.remember(out, status=status)
        answer.append(JSONResponse(out.model_dump(mode="json"), status_code=status))

    try:
        require_verified_email(request, user)  # here, and not as a dependency: the body is still to be read
        if int(request.headers.get("content-length", 0)) > intake.most + FORM_BYTES:
            raise too_large(intake.most)
        file = await incoming_file(request.headers, body)
        document, new = await intake.take(file, user.id, settle)
    except ClientDisconnect as error:
        raise UploadCut("The upload was cut off before its end. Send it again.") from error
    except EmailNotVerified:
        await _drain(body, intake.most + FORM_BYTES, PATIENT_DRAIN_SECONDS)
        raise
    except UploadTooSlow:
        raise  # nothing more is awaited of a sender that is too slow
    except Exception:
        await _drain(body)
        raise
    if new:
        await jobs.hint(document.id)
    return answer[-1]


async def _drain(body: AsyncIterator[bytes], most: int = DRAIN_BYTES, seconds: float = DRAIN_SECONDS) -> None:
    rest = 0
    with suppress(TimeoutError, ClientDisconnect):
        async with asyncio.timeout(seconds):
            async for block in body:
                rest += len(block)
                if rest > most:
                    return


@router.get("/documents")
async def list_documents(library: LibraryDep, page: PageDep) -> Page[DocumentOut]:
    """One's documents, the newest first."""
    found = await library.newest(page.limit + 1, page.after(moment, UUID))
    return page.cut(found, DocumentOut.of, lambda last: (last.created_at.isoformat(), str(last.id)))


@router.get("/documents/{document_id}")
async def get_document(document_id: UUID, library: LibraryDep) -> DocumentOut:
    """One document, with its status, its progress, and the reason where it failed."""
    return DocumentOut.of(await library.get(document_id))


@router.get("/documents/{document_id}/pages/{number}")
async def get_page(document_id: UUID, number: int, library: LibraryDep) -> PageOut:
    """The text of a page; of a format without pages, the text of a part of it. There while the rest is still being read."""
    document, text = await library.page(document_id, number)
    return PageOut(
        document_id=document.id,
        document_title=document.title,
        number=number,
        has_pages=bool(document.has_pages),
        pages=document.pages or 0,
        text=text,
    )


@router.get("/documents/{document_id}/file", response_class=Response, responses=_FILE, openapi_extra={"x-timeout": 900})
async def get_file(
    document_id: UUID,
    library: LibraryDep,
    storage: StorageDep,
    range_: Annotated[str | None, Header(alias="Range")] = None,
) -> Response:
    """The file as it was uploaded. `Range` with one range is understood."""
    return await file_response(await library.get(document_id), storage, range_)


@router.delete("/documents/{document_id}", status_code=204)
async def delete_document(
    document_id: UUID, user: CurrentUser, database: DatabaseDep, storage: StorageDep, now: NowDep
) -> None:
    """Delete a document with its file, its text and everything it was found by, also while it is being read."""
    async with database.transaction() as session:
        key = await Library(session, user.id).delete(document_id, now)
    await discard(database, storage, key)


@router.post("/documents/{document_id}/retry", status_code=202)
async def retry_document(
    document_id: UUID, user: CurrentUser, database: DatabaseDep, jobs: JobsDep, now: NowDep
) -> DocumentOut:
    """Read a document again that failed."""
    async with database.transaction() as session:
        document = await Library(session, user.id).retry(document_id, now)
    await jobs.hint(document_id)
    return DocumentOut.of(document)


@router.post("/search", tags=["search"])
async def search_passages(query: SearchQuery, user: CurrentUser, search: SearchDep) -> SearchAnswer:
    """The passages of one's documents that speak of the query, best first, also of documents that are still being read."""
    return await search.find(query, owner=user.id, token=user.token)


# Not in the document, and so not behind the gateway: for other services, with the student's own token.
@router.post("/sample", include_in_schema=False)
async def sample_passages(query: SampleQuery, user: CurrentUser, session: SessionDep) -> Sample:
    """Some passages of one's documents, spread over all of them: what to ask a student about."""
    return await sample(session, user.id, query)


@router.post("/likeness", include_in_schema=False)
async def compare_texts(
    query: LikenessQuery, user: CurrentUser, likeness: Annotated[Likeness, Depends(_likeness)]
) -> LikenessAnswer:
    """How near texts are in meaning."""
    return await likeness.compare(query, token=user.token)


@inside.post("/internal/likeness", include_in_schema=False)
async def compare_here(
    query: LikenessQuery, user: CurrentUser, likeness: Annotated[Likeness, Depends(_local_likeness)]
) -> LikenessAnswer:
    """For processes of this service that have no model."""
    return await likeness.compare(query, token=user.token)


@inside.post("/internal/search", include_in_schema=False)
async def search_here(query: SearchQuery, user: CurrentUser, search: LocalSearchDep) -> SearchAnswer:
    """For processes of this service without the role `index`: they pass on the question with the student's token."""
    return await search.find(query, owner=user.id, token=user.token)
