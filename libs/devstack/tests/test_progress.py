"""What takes long shows that it goes on."""

import io

from devstack.keeping import wait_for
from devstack.progress import Progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_pipe_gets_a_line_for_each_step() -> None:
    stream = io.StringIO()
    with Progress(stream).step("Starting Redis"):
        assert stream.getvalue() == "· Starting Redis …\n"


def test_a_terminal_sees_the_step_and_then_how_long_it_took() -> None:
    stream = Terminal()
    with Progress(stream).step("Starting Redis"):
        wait_for(lambda: "Starting Redis …" in stream.getvalue(), "nothing was shown", 5)
    assert stream.getvalue().endswith("· Starting Redis (0.0 s)\n")


def test_what_is_said_during_a_step_has_a_line_of_its_own() -> None:
    stream = Terminal()
    progress = Progress(stream)
    with progress.step("Starting Redis"):
        wait_for(lambda: "Starting Redis …" in stream.getvalue(), "nothing was shown", 5)
        progress.say("! by the way")
    assert "\r\033[K! by the way\n" in stream.getvalue()
