"""Which error is tried again, how often, and after which wait."""

import asyncpg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mesh import Permanent, Retry, Transient, never, transient
from mesh.topology import RUNGS, rung
from sqlalchemy.exc import DBAPIError


class CannotWork(Permanent):
    pass


class BusyProvider(Transient):
    pass


@given(st.integers(1, 7))
def test_waits_grow_fourfold_and_are_spread_over_their_upper_half(attempt: int) -> None:
    delay = transient.delay(attempt, OSError())
    wait = min(256.0, 0.25 * 4 ** (attempt - 1))
    assert delay is not None
    assert wait / 2 <= delay <= wait


def test_attempts_end() -> None:
    assert Retry(attempts=3).delay(2, OSError()) is not None
    assert Retry(attempts=3).delay(3, OSError()) is None
    assert never.delay(1, OSError()) is None


def test_permanent_errors_are_given_up_at_once() -> None:
    assert transient.delay(1, CannotWork()) is None
    assert Retry(permanent=(LookupError,)).delay(1, KeyError()) is None


def caused(cause: Exception) -> Exception:
    try:
        raise RuntimeError("a client's own words") from cause
    except RuntimeError as error:
        return error


@pytest.mark.parametrize(
    "error",
    [
        ConnectionResetError(),
        TimeoutError(),
        BusyProvider(),
        asyncpg.DeadlockDetectedError(),
        asyncpg.TooManyConnectionsError(),
        asyncpg.AdminShutdownError(),
        DBAPIError("SELECT 1", {}, asyncpg.SerializationError()),
        caused(caused(ConnectionRefusedError())),
    ],
    ids=repr,
)
def test_what_passes_with_time_gets_all_tries(error: Exception) -> None:
    assert transient.delay(7, error) is not None
    assert transient.delay(8, error) is None


@pytest.mark.parametrize(
    "error", [ZeroDivisionError(), KeyError("a"), asyncpg.UndefinedColumnError(), caused(ValueError())], ids=repr
)
def test_what_should_not_have_happened_gets_few(error: Exception) -> None:
    assert transient.delay(3, error) is not None
    assert transient.delay(4, error) is None


def test_unexpected_errors_get_fewer_tries() -> None:
    policy = Retry(attempts=8, expected=(ConnectionError,), unexpected=2)
    assert policy.delay(5, ConnectionResetError()) is not None
    assert policy.delay(1, ZeroDivisionError()) is not None
    assert policy.delay(2, ZeroDivisionError()) is None


@given(st.floats(0.001, RUNGS[-1]))
def test_every_wait_has_a_rung_that_holds_it(delay: float) -> None:
    longest = int(rung(delay).removeprefix("studyteddy.retry.").removesuffix("ms")) / 1000
    assert delay <= longest
    assert longest == min(seconds for seconds in RUNGS if seconds >= delay)


@pytest.mark.parametrize("delay", [RUNGS[-1] + 1, 10**6])
def test_longer_waits_than_the_last_rung_end_with_it(delay: float) -> None:
    assert rung(delay) == rung(RUNGS[-1])
