"""Logs: ECS fields for machines, one line for people, and no secrets in either."""

import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from chassis import logs
from chassis.logs import redact
from hypothesis import given
from hypothesis import strategies as st

from .signing import claims, new_key

TOKEN = new_key().sign(claims())
REFRESH = "strt_" + "aB3-_" * 8
log = logging.getLogger("tests.logs")


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    logs.clear()


class Lines:
    """What the process has written since the last look."""

    def __init__(self, capture: pytest.CaptureFixture[str]) -> None:
        self._capture = capture

    def text(self) -> str:
        return self._capture.readouterr().err

    def json(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.text().splitlines()]


@pytest.fixture
def lines(capsys: pytest.CaptureFixture[str]) -> Lines:
    return Lines(capsys)


def test_a_line_has_ecs_fields(lines: Lines) -> None:
    logs.configure("chat", form="json")
    logs.bind(request_id="r-1", user_id="u-1")
    log.info("answered in %d steps", 3)
    (line,) = lines.json()
    assert line["message"] == "answered in 3 steps"
    assert line["log.level"] == "info"
    assert line["log.logger"] == "tests.logs"
    assert line["service.name"] == "chat"
    assert (line["http.request.id"], line["user.id"]) == ("r-1", "u-1")
    assert line["@timestamp"].endswith("Z")


def test_fields_of_a_request_end_with_it(lines: Lines) -> None:
    logs.configure("chat", form="json")
    logs.bind(user_id="u-1")
    logs.clear()
    log.info("another")
    assert "user.id" not in lines.json()[0]


def test_an_exception_is_one_line_with_its_stack(lines: Lines) -> None:
    logs.configure("chat", form="json")
    try:
        raise ValueError("broken")
    except ValueError:
        log.exception("it failed")
    (line,) = lines.json()
    assert "ValueError: broken" in line["error.stack_trace"]
    assert "test_logs.py" in line["error.stack_trace"]


def test_without_a_terminal_lines_are_for_machines(lines: Lines) -> None:
    logs.configure("chat", form="auto")
    log.info("hello")
    assert lines.json()[0]["message"] == "hello"


def test_the_level_is_kept(lines: Lines) -> None:
    logs.configure("chat", level="WARNING", form="json")
    log.info("quiet")
    log.warning("loud")
    assert [line["message"] for line in lines.json()] == ["loud"]


def test_libraries_that_talk_at_info_are_quiet(lines: Lines) -> None:
    logs.configure("chat", form="json")
    logging.getLogger("httpx").info("HTTP Request: GET http://auth/?token=hush")
    assert lines.text() == ""


SECRETS = [TOKEN, REFRESH, "hunter2-hunter2", "sk-abcdefghijklmnop"]


def say_everything() -> None:
    """Each way in which a secret gets near a log."""
    password = SECRETS[2]  # a local variable, which a talkative traceback would show
    log.info("called with Authorization: Bearer %s", TOKEN)
    log.info("refreshed with %s", REFRESH)
    log.info("connecting to postgresql+asyncpg://auth:%s@db/mesh", password)
    log.info("the provider said: invalid key sk-abcdefghijklmnop")
    log.info("a bare token: %s", TOKEN)
    log.info("fields", extra={"password": password, "api_key": password, "headers": {"authorization": password}})
    log.info("nested", extra={"request": {"body": [{"refresh_token": password}], "url": f"amqp://u:{password}@mq/"}})
    structlog.get_logger("tests.structlog")
    try:
        raise ConnectionError(f"cannot reach redis://:{password}@cache:6379 with Bearer {TOKEN}")
    except ConnectionError:
        log.exception("away")


@pytest.mark.parametrize("form", ["json", "console"])
def test_no_secret_is_written_in_any_way(lines: Lines, form: str) -> None:
    logs.configure("chat", form=form)
    say_everything()
    said = lines.text()
    assert not [secret for secret in SECRETS if secret in said]
    assert said.count("[redacted]") >= 9
    assert "cannot reach" in said


def test_the_rest_of_a_line_stays_readable(lines: Lines) -> None:
    logs.configure("chat", form="json")
    log.info("connecting to postgresql://auth:hush@db/mesh as auth", extra={"prompt_tokens": 812, "tokens_left": None})
    (line,) = lines.json()
    assert line["message"] == "connecting to postgresql://auth:[redacted]@db/mesh as auth"
    assert (line["prompt_tokens"], line["tokens_left"]) == (812, None)


@given(st.text())
def test_redacting_never_fails_and_changes_nothing_twice(text: str) -> None:
    assert redact(redact(text)) == redact(text)


def test_an_url_without_a_password_is_left_alone() -> None:
    for text in ("http://localhost:8080/docs", "ada@example.org", "see https://a.b/c@d:e", "a:b@c"):
        assert redact(text) == text
