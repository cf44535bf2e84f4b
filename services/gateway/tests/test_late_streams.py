"""A stream that begins when its session is over already: asked for before, answered after."""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import httpx
from starlette.types import Receive, Scope, Send

from .fakes import Running


async def test_a_stream_that_begins_after_the_sign_out_is_refused(gateway: Running) -> None:
    asked, signed_out = asyncio.Event(), asyncio.Event()

    async def events(scope: Scope, receive: Receive, send: Send) -> None:
        asked.set()
        await signed_out.wait()
        kind = (b"content-type", b"text/event-stream")
        await send({"type": "http.response.start", "status": 200, "headers": [kind]})
        await send({"type": "http.response.body", "body": b"data: of others\n\n", "more_body": True})
        await asyncio.sleep(3600)

    gateway.service.on("/events", events)
    session_id = uuid4()
    async with httpx.AsyncClient(base_url=gateway.url, timeout=10) as client:
        headers = gateway.bearer(session_id=session_id)
        waiting = asyncio.create_task(client.get("/api/v1/events", headers=headers))
        await asked.wait()
        gateway.gateway.edge.revocations.add(session_id, datetime.now(UTC) + timedelta(minutes=15))
        signed_out.set()
        answer = await waiting
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"
    assert "others" not in answer.text
    assert len(gateway.gateway.edge.streams) == 0
