"""What a frontend does, in a real browser and from another origin; and the pages that links in mails open."""

import json
import secrets
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import asyncpg
import httpx
import pytest
from chassis.sealing import KeyRing
from devstack.local_mesh import LocalMesh

from .browser import STRANGER, Browser, ScriptFailed, Tab
from .students import SignUp, Student

# Beside `url` and `token`, what the scripts of these tests share.
PRELUDE = """
const bearer = { Authorization: `Bearer ${token}` };
const sent = (method, body) => ({ method, headers: { ...bearer, 'Content-Type': 'application/json' }, body: JSON.stringify(body) });
"""


class _EmptyPage(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<!doctype html><title>a frontend</title>")

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="session")
def frontend() -> Iterator[int]:
    """The port of a server of empty pages: another origin than the gateway's."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _EmptyPage) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


class Page:
    """A page of a frontend that has a student's token."""

    def __init__(self, tab: Tab, mesh: LocalMesh, student: Student) -> None:
        self._tab = tab
        known = {"url": f"{mesh.url}/api/v1", "token": student.tokens["access_token"]}
        self._begin = "".join(f"const {name} = {json.dumps(value)};" for name, value in known.items()) + PRELUDE

    async def run(self, script: str) -> Any:
        """What the script returns, as JSON."""
        return await self._tab.run(self._begin + script)


async def test_a_page_of_another_origin_calls_with_a_token_and_reads_the_headers_it_needs(
    browser: Browser, frontend: int, mesh: LocalMesh, student: Student
) -> None:
    async with browser.tab() as tab:
        await tab.open(f"http://localhost:{frontend}/")
        page = Page(tab, mesh, student)
        # A token in a header, JSON and a key of one's own: the browser asks before each of them.
        seen = await page.run("""
            const key = { 'Idempotency-Key': crypto.randomUUID() };
            const begun = sent('POST', { mode: 'tutor' });
            const once = { ...begun, headers: { ...begun.headers, ...key } };
            const first = await fetch(`${url}/chat/sessions`, once), second = await fetch(`${url}/chat/sessions`, once);
            const read = (answer) => Object.fromEntries(answer.headers);
            return { status: [first.status, second.status], same: (await first.json()).id === (await second.json()).id,
                     first: read(first), second: read(second) };
        """)
        assert seen["status"] == [201, 201]
        assert seen["same"]
        assert {"x-request-id", "ratelimit", "ratelimit-policy"} <= seen["first"].keys()
        assert seen["second"]["idempotency-replayed"] == "true"
        changed = await page.run("""
            const answer = await fetch(`${url}/users/me`, sent('PATCH', { name: 'Ada Lovelace' }));
            return { status: answer.status, name: (await answer.json()).name };
        """)
        assert changed == {"status": 200, "name": "Ada Lovelace"}


async def test_a_page_of_another_origin_reads_problems_and_when_to_come_back(
    browser: Browser, frontend: int, mesh: LocalMesh, student: Student
) -> None:
    async with browser.tab() as tab:
        await tab.open(f"http://localhost:{frontend}/")
        page = Page(tab, mesh, student)
        refused = await page.run("""
            let answer;
            for (let turn = 0; turn < 10; turn += 1) {
                answer = await fetch(`${url}/auth/verify-email/resend`, { method: 'POST', headers: bearer });
                if (answer.status === 429) break;
            }
            return { ...(await answer.json()), wait: Number(answer.headers.get('Retry-After')) };
        """)
        assert refused["type"] == "urn:studyteddy:problem:too-many-attempts"
        assert refused["wait"] > 0
        unknown = await page.run("""
            const answer = await fetch(`${url}/users/me`, { headers: { Authorization: 'Bearer x.y.z' } });
            return { ...(await answer.json()), status: answer.status };
        """)
        assert (unknown["status"], unknown["type"]) == (401, "urn:studyteddy:problem:unauthorized")


async def test_a_page_of_another_origin_uploads_and_reads_an_answer_as_it_comes(
    browser: Browser, frontend: int, mesh: LocalMesh, student: Student, sample: bytes
) -> None:
    session = await student.study((await student.ready("memory.pdf", sample))["id"])
    async with browser.tab() as tab:
        await tab.open(f"http://localhost:{frontend}/")
        page = Page(tab, mesh, student)
        uploaded = await page.run("""
            const form = new FormData();
            form.append('file', new Blob(['Supply is what producers offer.']), 'notes.txt');
            const answer = await fetch(`${url}/documents`, { method: 'POST', headers: bearer, body: form });
            return { ...(await answer.json()), status: answer.status };
        """)
        assert (uploaded["status"], uploaded["title"]) == (202, "notes")
        heard = await page.run(f"""
            const asking = sent('POST', {{ content: 'What is the testing effect?' }});
            asking.headers.Accept = 'text/event-stream';
            const answer = await fetch(`${{url}}/chat/sessions/{session["id"]}/messages`, asking);
            const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
            let text = '', pieces = 0;
            for (let piece; !(piece = await reader.read()).done; pieces += 1) text += piece.value;
            return {{ type: answer.headers.get('Content-Type'), pieces, events: text.match(/^event: .*$/mg) }};
        """)
        assert heard["type"].startswith("text/event-stream")
        assert heard["pieces"] > 1
        assert heard["events"][0] == "event: message"
        assert heard["events"][-1] == "event: done"
        assert "event: token" in heard["events"]


async def test_no_cookie_ever_goes_with_a_call(
    browser: Browser, frontend: int, mesh: LocalMesh, student: Student
) -> None:
    async with browser.tab() as tab:
        await tab.open(f"http://localhost:{frontend}/")
        with pytest.raises(ScriptFailed, match="Failed to fetch"):
            await Page(tab, mesh, student).run(
                "return (await fetch(`${url}/users/me`, { headers: bearer, credentials: 'include' })).status"
            )


async def test_a_strangers_page_reads_nothing_not_even_with_a_token(
    browser: Browser, frontend: int, mesh: LocalMesh, student: Student
) -> None:
    async with browser.tab() as tab:
        await tab.open(f"http://{STRANGER}:{frontend}/")
        for call in ("fetch(`${url}/users/me`, { headers: bearer })", "fetch(`${url}/users/me`)"):
            with pytest.raises(ScriptFailed, match="Failed to fetch"):
                await Page(tab, mesh, student).run(f"return (await {call}).status")


async def test_a_page_of_another_origin_opens_a_socket_with_a_ticket_and_is_told_what_happens(
    browser: Browser, frontend: int, mesh: LocalMesh, student: Student
) -> None:
    opened = """
        const { ticket } = await (await fetch(`${url}/ws/ticket`, { method: 'POST', headers: bearer })).json();
        const socket = new WebSocket(`${url.replace('http', 'ws').replace('/api/v1', '')}/ws?ticket=${ticket}`);
    """
    async with browser.tab() as tab:
        await tab.open(f"http://localhost:{frontend}/")
        heard = await Page(tab, mesh, student).run(
            opened
            + """
            const heard = [];
            await new Promise((resolve, reject) => {
                socket.onclose = () => reject(new Error(`closed after ${heard}`));
                socket.onmessage = async (message) => {
                    heard.push(JSON.parse(message.data).type);
                    if (heard.length === 1) {
                        const form = new FormData();
                        form.append('file', new Blob(['Supply is what producers offer.']), 'notes.txt');
                        await fetch(`${url}/documents`, { method: 'POST', headers: bearer, body: form });
                    }
                    if (heard.at(-1) === 'document.processed') resolve();
                };
            });
            return heard;
        """
        )
        assert heard[0] == "hello"
        assert "document.uploaded" in heard


async def mailed_link(mesh: LocalMesh, email: str, kind: str) -> str:
    """The link that the newest mail of a kind carries, as whoever sends it finds it in the event."""
    connection = await asyncpg.connect(mesh.environment["AUTH_DATABASE_URL"].replace("+asyncpg", ""))
    statement = "SELECT data FROM auth.outbox WHERE type = 'auth.email.requested.v1' ORDER BY position DESC"
    events = [json.loads(row["data"]) for row in await connection.fetch(statement)]
    await connection.close()
    sealed = next(event["sealed_link"] for event in events if (event["email"], event["kind"]) == (email, kind))
    return KeyRing(mesh.environment["KEY_RING"]).open(sealed)


async def test_the_link_of_a_verification_mail_opens_a_page_whose_button_verifies(
    browser: Browser, mesh: LocalMesh, student: Student
) -> None:
    link = await mailed_link(mesh, student.email, "verify_email")
    assert link.startswith(f"{mesh.url}/api/v1/auth/verify-email#token=")
    async with browser.tab() as tab:
        await tab.open(link)
        assert await tab.run("return location.href") == link.partition("#")[0], "no token is left in the history"
        assert not (await student.http.get("/users/me")).json()["email_verified"], "to open the page changes nothing"
        await tab.run("document.querySelector('button').click()")
        await tab.until("document.querySelector('output').textContent.includes('confirmed')")
        assert (await student.http.get("/users/me")).json()["email_verified"]
    async with browser.tab() as tab:
        await tab.open(link)
        await tab.run("document.querySelector('button').click()")
        await tab.until("document.querySelector('output').textContent.includes('used already')")


async def test_the_link_of_a_reset_mail_opens_a_form_that_sets_another_password(
    browser: Browser, mesh: LocalMesh, sign_up: SignUp
) -> None:
    student = await sign_up()
    assert (await student.http.post("/auth/password/forgot", json={"email": student.email})).status_code == 202
    password = secrets.token_urlsafe(12)
    async with browser.tab() as tab:
        await tab.open(await mailed_link(mesh, student.email, "reset_password"))
        for typed, said in (("password123!", "first that are guessed"), (password, "is set")):
            await tab.run(
                f"document.querySelector('input').value = {json.dumps(typed)}; document.querySelector('button').click()"
            )
            await tab.until(f"document.querySelector('output').textContent.includes({json.dumps(said)})")
    assert (await student.http.get("/users/me")).status_code == 401
    async with httpx.AsyncClient(base_url=f"{mesh.url}/api/v1") as client:
        signed_in = await client.post("/auth/login", json={"email": student.email, "password": password})
    assert signed_in.status_code == 200
    assert signed_in.json()["user"]["email_verified"]
