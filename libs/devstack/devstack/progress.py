"""Saying what takes long: a line for each step, with a running clock on a terminal."""

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO


class Progress:
    """Writes steps to a stream; several threads may `say` something meanwhile."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stdout
        self._terminal = self._stream.isatty()
        self._lock = threading.Lock()
        self._open = ""

    def say(self, line: str) -> None:
        """A line of its own, above the running step if there is one."""
        with self._lock:
            self._write(("\r\033[K" if self._open and self._terminal else "") + line + "\n")

    @contextmanager
    def step(self, text: str) -> Iterator[None]:
        """Show that `text` is going on, and how long it took if that was long."""
        started = time.monotonic()
        finished = threading.Event()
        ticker = threading.Thread(target=self._tick, args=(text, started, finished), daemon=True)
        if not self._terminal:
            self.say(f"· {text} …")
        ticker.start()
        try:
            yield
        finally:
            finished.set()
            ticker.join()
            self._close(text, time.monotonic() - started)

    def _tick(self, text: str, started: float, finished: threading.Event) -> None:
        while self._terminal and not finished.is_set():
            seconds = time.monotonic() - started
            with self._lock:
                self._open = f"· {text} …" + (f" {seconds:.0f} s" if seconds >= 2 else "")
                self._write(f"\r\033[K{self._open}")
            finished.wait(0.5)

    def _close(self, text: str, seconds: float) -> None:
        with self._lock:
            self._open = ""
            if self._terminal:
                self._write(f"\r\033[K· {text} ({seconds:.1f} s)\n")

    def _write(self, text: str) -> None:
        self._stream.write(text)
        self._stream.flush()
