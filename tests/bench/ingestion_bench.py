"""Reading documents: pages a second beside bare pypdf and bare pypdfium2, and how soon a long upload can be searched.

The PDFs are the corpus's textbook chapters where the folder `../shared/corpus` is there, else documents made here.
"""

import asyncio
import http.server
import json
import logging
import os
import random
import sys
import tempfile
import threading
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import aclosing, asynccontextmanager, contextmanager
from io import BytesIO
from pathlib import Path
from uuid import UUID, uuid4

import httpx
import psutil
import pypdf
import pypdfium2  # type: ignore[import-untyped]  # it has no types
from chassis.tokens import SigningKey
from devstack.for_tests import TestServers
from devstack.identities import new_signing_key, user_token
from devstack.memory import pss
from devstack.places import temporary_home
from devstack.waiting import until
from ingestion.passages import Cutter
from ingestion.reading.children import Children
from ingestion.reading.limits import ReadingLimits
from ingestion.reading.reader import Reading
from ingestion.reading.running_lines import Body, bodies
from reportlab.lib.pagesizes import A4
from reportlab.pdfgen.canvas import Canvas

ROOT = Path(__file__).resolve().parents[2]
CORPUS = ROOT.parent / "shared" / "corpus" / "retrieval" / "documents"
LONG_PAGES = 300
MANY_PAGES = 600
ROUNDS = 3
PORT = 18472
WORDS = [
    "market",
    "price",
    "supply",
    "demand",
    "quantity",
    "equilibrium",
    "consumer",
    "producer",
    "surplus",
    "elasticity",
    "income",
    "substitute",
    "complement",
    "cost",
    "firm",
    "labor",
    "capital",
    "output",
    "profit",
    "revenue",
    "curve",
    "shift",
    "shortage",
    "tax",
    "subsidy",
    "trade",
    "growth",
    "money",
    "bank",
    "rate",
    "inflation",
    "cycle",
]


def text_pdf(pages: int, seed: int = 1) -> bytes:
    """Pages of some 350 words in 40 lines."""
    chance = random.Random(seed)
    made = BytesIO()
    canvas = Canvas(made, pagesize=A4)
    for page in range(1, pages + 1):
        lines = canvas.beginText(60, 780)
        for line in range(40):
            lines.textLine(f"On page {page}, " * (line == 0) + " ".join(chance.choices(WORDS, k=9)) + ".")
        canvas.drawText(lines)
        canvas.showPage()
    canvas.save()
    return made.getvalue()


def real_pdfs(folder: Path) -> list[Path]:
    """Textbook chapters, or what is made in their place."""
    if CORPUS.is_dir():
        return sorted(CORPUS.glob("*.pdf"))
    for number in range(9):
        (folder / f"{number}.pdf").write_bytes(text_pdf(20, seed=number))
    return sorted(folder.glob("*.pdf"))


def bare_pypdf(files: Sequence[Path]) -> int:
    pages = 0
    for file in files:
        for page in pypdf.PdfReader(file).pages:
            page.extract_text()
            pages += 1
    return pages


def bare_pypdfium2(files: Sequence[Path]) -> int:
    pages = 0
    for file in files:
        document = pypdfium2.PdfDocument(file)
        for page in document:
            page.get_textpage().get_text_range()
            pages += 1
    return pages


async def read(children: Children, cutter: Cutter | None, file: Path) -> int:
    """What a worker does to a document before embedding: child, cleaning, running lines, and with a cutter passages."""
    pages = 0
    async with aclosing(Reading(children, str(file), "pdf").parts()) as parts, aclosing(bodies(parts)) as found:
        async for body in found:
            if isinstance(body, Body):
                if cutter:
                    cutter.cut(body.part.text or "", body.start, body.end)
                pages += 1
    return pages


async def read_all(children: Children, cutter: Cutter | None, files: Sequence[Path], at_once: int) -> int:
    waiting = iter(files)

    async def reader() -> int:
        return sum([await read(children, cutter, file) for file in waiting])

    return sum(await asyncio.gather(*(reader() for _ in range(at_once))))


async def measure_extraction(files: Sequence[Path]) -> None:
    # Taken in turns, and the best of each, so that what else the machine does falls on all alike.
    rates: dict[str, float] = {}

    def note(name: str, pages: int, started: float) -> None:
        rates[name] = max(rates.get(name, 0.0), pages / (time.perf_counter() - started))

    cutter = Cutter()
    async with Children(ReadingLimits()) as children:
        await read(children, cutter, files[0])
        for _ in range(ROUNDS):
            for name, bare in (("bare pypdf", bare_pypdf), ("bare pypdfium2", bare_pypdfium2)):
                started = time.perf_counter()
                note(name, bare(files), started)
            for name, by, at_once in (
                ("ours, one at a time", None, 1),
                ("ours, two at a time", None, 2),
                ("the same, cut", cutter, 2),
            ):
                started = time.perf_counter()
                note(name, await read_all(children, by, files, at_once), started)
    source = "textbook chapters" if CORPUS.is_dir() else "made documents: the corpus is not there"
    print(f"extraction, {len(files)} PDFs ({source}); ours reads in a child, cleans and finds running heads")
    for name, rate in rates.items():
        print(f"  {name:<20} {rate:7.0f} pages/s   {rate / rates['bare pypdf']:5.1f} of bare pypdf")
    print("  bound for ours                        10.0 of bare pypdf")


@contextmanager
def published(key: SigningKey) -> Iterator[str]:
    """Auth's address, as far as ingestion knows it: its public keys."""
    document = json.dumps({"keys": [key.public_jwk()]}).encode()

    class Keys(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(document)

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Keys) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def student(key: SigningKey, user: UUID | None = None) -> dict[str, str]:
    return {"Authorization": f"Bearer {user_token(key, user or uuid4())}"}


@asynccontextmanager
async def service(
    servers: TestServers, database: str, auth: str, folder: str, *roles: str, port: int = PORT
) -> AsyncIterator[asyncio.subprocess.Process]:
    """A process of ingestion with these roles; one with the command `migrate` alone is waited for."""
    environment = os.environ | {
        "INGESTION_DATABASE_URL": database,
        "INGESTION_PORT": str(port),
        "REDIS_URL": servers.redis(),
        "AMQP_URL": servers.vhost(),
        "AUTH_URL": auth,
        "DATA_DIR": folder,
        "LOG_LEVEL": "WARNING",
    }
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", "ingestion", *roles, env=environment)
    try:
        if roles == ("migrate",):
            assert await process.wait() == 0
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


async def measure_uploads(folder: Path) -> None:
    key = new_signing_key("bench")
    servers = TestServers(temporary_home(), os.getpid(), "bench")
    try:
        with servers.database() as database, published(key) as auth:
            roles = ("migrate", "api", "worker", "relay", "scheduler", "index")
            async with service(servers, database, auth, str(folder), *roles):
                await upload_and_search(key)
            others = ("api", "relay", "scheduler", "index")
            async with (
                service(servers, database, auth, str(folder), *others),
                service(servers, database, auth, str(folder), "worker", port=PORT + 1) as worker,
            ):
                await measure_memory(key, worker.pid)
    finally:
        servers.disconnect()
        servers.end()


async def measure_memory(key: SigningKey, worker: int) -> None:
    """What a worker with its children takes at most for a long document, beyond what it has once the model is loaded."""
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{PORT}", headers=student(key), timeout=30) as client:
        await until(lambda: ready(client), seconds=60)
        await finished(client, await upload(client, text_pdf(1, seed=7)))
        before = memory(worker)
        watch = asyncio.create_task(highest_memory(worker))
        document = await upload(client, text_pdf(MANY_PAGES))
        await finished(client, document)
        watch.cancel()
        peak = await watch
        state = (await client.get(f"/documents/{document}")).json()
        print(
            f"\n{MANY_PAGES}-page PDF, a worker alone: model loaded {before:.0f} MiB, {peak - before:.0f} MiB more at the "
            f"peak   bound 400 MiB   ({state['status']}, {state['passages']} passages)"
        )


async def highest_memory(worker: int) -> float:
    peak = 0.0
    try:
        while True:
            peak = max(peak, memory(worker))
            await asyncio.sleep(0.05)
    except asyncio.CancelledError:
        return peak


def memory(worker: int) -> float:
    """MiB of a process and all its children; what they share is counted once."""
    process = psutil.Process(worker)
    return sum(pss(each.pid) for each in (process, *process.children(recursive=True))) / 2**20


async def upload_and_search(key: SigningKey) -> None:
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{PORT}", headers=student(key), timeout=30) as client:
        await until(lambda: ready(client), seconds=60)
        # The model's weights are loaded by the first document, and only by that.
        await finished(client, await upload(client, text_pdf(1, seed=7)))
        content = text_pdf(LONG_PAGES)
        started = time.perf_counter()
        document = await upload(client, content)
        accepted = time.perf_counter() - started
        await until(lambda: found(client, document), seconds=60)
        first = time.perf_counter() - started
        state = (await client.get(f"/documents/{document}")).json()
        print(
            f"\n{LONG_PAGES}-page text PDF of {len(content) / 1e6:.1f} MB, all roles in one process, MiniLM on the CPU"
        )
        print(f"  upload answered         {accepted:7.2f} s")
        print(
            f"  first page searchable   {first:7.2f} s   bound 3 s   ({state['pages_read']} of {state['pages']} pages read)"
        )
        await finished(client, document)
        whole = time.perf_counter() - started
        passages = (await client.get(f"/documents/{document}")).json()["passages"]
        print(f"  ready                   {whole:7.2f} s   {passages} passages, {passages / whole:.1f} passages/s")


async def ready(client: httpx.AsyncClient) -> bool:
    try:
        return (await client.get("/health/ready")).status_code == 200
    except httpx.TransportError:
        return False


async def upload(client: httpx.AsyncClient, content: bytes) -> str:
    answer = await client.post("/documents", files={"file": ("long.pdf", content)})
    answer.raise_for_status()
    return str(answer.json()["id"])


async def found(client: httpx.AsyncClient, document: str) -> bool:
    answer = await client.post("/search", json={"query": "what is said on page 1", "document_ids": [document]})
    return answer.status_code == 200 and any(passage["page"] == 1 for passage in answer.json()["passages"])


async def finished(client: httpx.AsyncClient, document: str) -> None:
    async def settled() -> bool:
        return (await client.get(f"/documents/{document}")).json()["status"] in ("ready", "failed")

    await until(settled, seconds=600)


async def main() -> None:
    logging.disable(logging.CRITICAL)
    with tempfile.TemporaryDirectory(prefix="studyteddy-bench-") as folder:
        await measure_extraction(real_pdfs(Path(folder)))
        await measure_uploads(Path(folder))


if __name__ == "__main__":
    asyncio.run(main())
