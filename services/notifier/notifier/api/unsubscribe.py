"""Turning a kind of mail off from the mail itself: RFC 8058's one click, and a page with a button for people."""

from typing import Annotated, Any

from chassis.database import SessionDep
from fastapi import APIRouter, Query
from fastapi.responses import HTMLResponse

from notifier.api.parts import UnsubscribingDep

router = APIRouter(prefix="/notifications/unsubscribe", tags=["notifications"])
_PUBLIC: dict[str, Any] = {"security": [], "x-body-limit": 16 * 1024}
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
    "Cache-Control": "no-store",
}
_PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Study Teddy</title>
"""
Token = Annotated[str, Query(max_length=1000, description="From the link in the mail")]


@router.get("", openapi_extra=_PUBLIC, response_class=HTMLResponse)
async def ask_to_unsubscribe(token: Token) -> HTMLResponse:
    """The page that the link opens. It changes nothing: scanners of mail open every link."""
    button = "<p>Turn these mails off?</p><form method=post><button>Turn them off</button></form>"
    return HTMLResponse(_PAGE + button, headers=_HEADERS)


@router.post("", openapi_extra=_PUBLIC, response_class=HTMLResponse)
async def unsubscribe(token: Token, session: SessionDep, unsubscribing: UnsubscribingDep) -> HTMLResponse:
    """Mails of that kind are off from now on."""
    await unsubscribing.follow(session, token)
    done = "<p>These mails are off. In your preferences you can turn them on again.</p>"
    return HTMLResponse(_PAGE + done, headers=_HEADERS)
