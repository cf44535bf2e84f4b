"""A page for developers: the mails that were written to a folder, because there is no server to send them.

Where mails are sent, and in production, there is nothing here.
"""

import asyncio
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

from chassis.errors import NotFound
from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse

from notifier import mailbox
from notifier.letters import render

router = APIRouter(prefix="/mail", tags=["development"])
_PUBLIC: dict[str, Any] = {"security": []}
_NOTHING = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
_LIST = {"Content-Security-Policy": _NOTHING, "Cache-Control": "no-store"}
# A mail is somebody else's HTML: it runs nothing, loads nothing, and is of no origin; its links work.
_MAIL = {"Content-Security-Policy": f"sandbox allow-popups; {_NOTHING}", "Cache-Control": "no-store"}


async def _folder(request: Request) -> Path:
    folder: Path | None = request.app.state.mail_folder
    if folder is None:
        raise NotFound("Mails are sent here, not listed.")
    return folder


Folder = Annotated[Path, Depends(_folder)]


@router.get("", openapi_extra=_PUBLIC, response_class=HTMLResponse)
async def list_local_mails(folder: Folder) -> HTMLResponse:
    """Mails that were not sent, for development."""
    mails = await asyncio.to_thread(mailbox.newest, folder)
    return HTMLResponse(render("local_mail.html", folder=str(folder), mails=mails), headers=_LIST)


@router.get("/{mail_id}", openapi_extra=_PUBLIC, response_class=HTMLResponse)
async def get_local_mail(mail_id: UUID, folder: Folder) -> HTMLResponse:
    """One of them, as its reader would see it."""
    mail = await asyncio.to_thread(mailbox.find, folder, mail_id)
    if mail is None:
        raise NotFound("There is no such mail.")
    return HTMLResponse(mail.html, headers=_MAIL)
