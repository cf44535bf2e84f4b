"""Headless Chromium, driven by its DevTools protocol: enough of it to open a page and run a script in it."""

import itertools
import json
import os
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import httpx
from devstack.installing import program
from devstack.waiting import until
from websockets.asyncio.client import ClientConnection, connect

Json = dict[str, Any]
# A stranger's page: the name leads to this machine.
STRANGER = "stranger.example"


class ScriptFailed(AssertionError):
    """A script threw; the message is its own."""


class Tab:
    """A page. One call at a time."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection
        self._ids = itertools.count(1)

    async def open(self, url: str) -> None:
        """Go there, and wait until the page is complete."""
        opened = await self._call("Page.navigate", url=url)
        assert "errorText" not in opened, opened
        await self.until("document.readyState === 'complete' && location.href !== 'about:blank'")

    async def look(self, *, width: int, scheme: str) -> None:
        """From now on as on a screen of this width (in CSS pixels), by whose owner `light` or `dark` is preferred."""
        await self._call(
            "Emulation.setDeviceMetricsOverride", width=width, height=800, deviceScaleFactor=1, mobile=True
        )
        await self._call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    async def run(self, script: str) -> Any:
        """What an async function with this body returns, as JSON; raises `ScriptFailed`."""
        ran = await self._call(
            "Runtime.evaluate",
            expression=f"(async () => {{ {script} }})()",
            awaitPromise=True,
            returnByValue=True,
            userGesture=True,
        )
        if (thrown := ran.get("exceptionDetails")) is not None:
            raise ScriptFailed(thrown.get("exception", {}).get("description", thrown["text"]))
        return ran["result"].get("value")

    async def until(self, expression: str, seconds: float = 20) -> None:
        """Wait until it is true in the page."""

        async def shown() -> bool:
            return bool(await self.run(f"return Boolean({expression})"))

        await until(shown, seconds)

    async def _call(self, method: str, **parameters: Any) -> Json:
        number = next(self._ids)
        await self._connection.send(json.dumps({"id": number, "method": method, "params": parameters}))
        async for message in self._connection:
            answer: Json = json.loads(message)
            if answer.get("id") == number:
                assert "error" not in answer, answer
                result: Json = answer["result"]
                return result
        raise ConnectionError("the browser went away")


class Browser:
    """A running browser at its DevTools `url`."""

    def __init__(self, url: str) -> None:
        self._url = url

    @asynccontextmanager
    async def tab(self) -> AsyncIterator[Tab]:
        """An empty page, closed afterwards."""
        async with httpx.AsyncClient(base_url=self._url, timeout=30) as client:
            target = (await client.put("/json/new?about:blank")).json()
            async with connect(target["webSocketDebuggerUrl"], max_size=None) as connection:
                yield Tab(connection)
            await client.get(f"/json/close/{target['id']}")


@contextmanager
def chromium(profile: Path) -> Iterator[Browser]:
    """Start one, on a free port, and end it with everything that it started."""
    command = [str(program("chromium")), "--headless=new", "--remote-debugging-port=0", f"--user-data-dir={profile}"]
    command += ["--no-first-run", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking"]
    command += [f"--host-resolver-rules=MAP {STRANGER} 127.0.0.1"]
    if os.geteuid() == 0:
        command.append("--no-sandbox")  # which refuses to work for root
    with (profile.parent / "chromium.log").open("wb") as log:
        process = subprocess.Popen([*command, "about:blank"], stdout=log, stderr=log)
    try:
        port = _port(profile / "DevToolsActivePort", process)
        yield Browser(f"http://127.0.0.1:{port}")
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _port(told: Path, process: "subprocess.Popen[bytes]") -> int:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        if told.exists() and (lines := told.read_text().split()):
            return int(lines[0])
        assert process.poll() is None, "chromium ended by itself"
        time.sleep(0.02)
    raise TimeoutError("chromium did not say where it listens")
