"""The process that bears the children: everything is imported once, so that a child costs a fork instead of a start.

`python -m ingestion.reading.nursery <fd>`: requests come over the stream socket `fd`, each with the write end of a pipe for the
child's frames; standard output tells, a line each, which child ended how. One thread, so that forking is safe. When the worker
goes, however it goes, the socket closes, and the nursery ends with all its children.
"""

import contextlib
import gc
import json
import logging
import os
import select
import signal
import socket
import struct
import sys
from typing import Any

from ingestion.reading.child import read
from ingestion.reading.frames import Order
from ingestion.reading.limits import ReadingLimits, confine, hide, prepare
from ingestion.reading.pdf import warm_up

LENGTH = struct.Struct(">I")


class Nursery:
    """Children by the number that the worker gave them."""

    def __init__(self, requests: socket.socket) -> None:
        self._requests = requests
        self._numbers: dict[int, int] = {}  # by process id, until it was waited for
        # Python's handler of SIGCHLD does nothing; what wakes the loop is the byte that it leaves in this pipe.
        self._woken, wake = os.pipe()
        os.set_blocking(wake, False)
        os.set_blocking(self._woken, False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
        self._wake = wake

    def run(self) -> None:
        """Serve until the worker is gone."""
        try:
            while True:
                readable, _, _ = select.select([self._requests.fileno(), self._woken], [], [])
                if self._woken in readable:
                    with contextlib.suppress(BlockingIOError):
                        os.read(self._woken, 4096)
                    self._bury()
                if self._requests.fileno() in readable and not self._serve():
                    return
        finally:
            for process in self._numbers:
                os.kill(process, signal.SIGKILL)

    def _serve(self) -> bool:
        header, pipes, _, _ = socket.recv_fds(self._requests, LENGTH.size, 1)
        if len(header) < LENGTH.size:
            return False
        request = json.loads(self._requests.recv(LENGTH.unpack(header)[0], socket.MSG_WAITALL))
        if "kill" in request:
            for process in [process for process, number in self._numbers.items() if number == request["kill"]]:
                os.kill(process, signal.SIGKILL)
        else:
            self._bear(request, pipes[0])
        return True

    def _bear(self, request: dict[str, Any], pipe: int) -> None:
        process = os.fork()
        if process == 0:
            self._live(request, pipe)
        os.close(pipe)
        self._numbers[process] = request["number"]

    def _live(self, request: dict[str, Any], pipe: int) -> None:
        """The child's whole life."""
        code = 1
        try:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            for inherited in (self._woken, self._wake):
                os.close(inherited)
            self._requests.close()
            logging.disable(logging.CRITICAL)  # pypdf tells at length what is wrong with a file
            nowhere = os.open(os.devnull, os.O_RDWR)
            for standard in (0, 1, 2):
                os.dup2(nowhere, standard)
            limits = ReadingLimits(**request["limits"])
            confine(limits)
            with os.fdopen(pipe, "wb", buffering=0) as frames:
                read(Order(**request["order"]), limits, frames.write)
            code = 0
        finally:
            os._exit(code)

    def _bury(self) -> None:
        while self._numbers:
            process, status = os.waitpid(-1, os.WNOHANG)
            if process == 0:
                return
            number = self._numbers.pop(process)
            sys.stdout.write(f"{number} {os.waitstatus_to_exitcode(status)}\n")
            sys.stdout.flush()


def main() -> None:
    """Serve the socket that was inherited."""
    # Ctrl-C reaches the whole group; the worker decides when reading ends.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    prepare()
    hide()  # children too: none looks at the document of its neighbour
    warm_up()
    gc.collect()
    gc.freeze()  # a collection in a child would copy every page that it shares with us
    with socket.socket(fileno=int(sys.argv[1])) as requests:
        Nursery(requests).run()


if __name__ == "__main__":
    main()
