"""When a provider is left alone, and when it is tried again."""

from chat.breaker import FAILURES, FIRST_PAUSE, LONGEST_PAUSE, Breaker, State
from chat.model import ModelFailed, ModelMisconfigured, ModelOverloaded

DOWN = ModelFailed("down")


def opened(now: float = 0.0) -> Breaker:
    breaker = Breaker()
    for _ in range(FAILURES):
        assert breaker.admits(now)
        breaker.failed(DOWN, now)
    return breaker


def test_failures_in_a_row_open_it_and_a_success_between_them_does_not() -> None:
    breaker = Breaker()
    for _ in range(3 * FAILURES):
        breaker.failed(DOWN, 0)
        breaker.answered()
    assert breaker.admits(0)
    assert [breaker.failed(DOWN, 0) for _ in range(FAILURES)] == [False, False, True]
    assert not breaker.admits(0)


def test_half_open_it_lets_one_through() -> None:
    breaker = opened()
    assert not breaker.admits(FIRST_PAUSE - 0.1)
    assert breaker.admits(FIRST_PAUSE)
    assert not breaker.admits(FIRST_PAUSE)
    assert breaker.state is State.HALF_OPEN


def test_first_word_of_the_one_lets_the_others_through() -> None:
    breaker = opened()
    breaker.admits(FIRST_PAUSE)
    breaker.spoke()
    assert breaker.admits(FIRST_PAUSE)
    assert breaker.failed(DOWN, FIRST_PAUSE), "it broke off: that is one failure more, not the first"


def test_each_failed_try_keeps_it_open_for_longer_up_to_a_bound() -> None:
    breaker, now, pauses = opened(), 0.0, []
    for _ in range(8):
        pauses.append(breaker.waits(now))
        now += breaker.waits(now)
        assert breaker.admits(now)
        breaker.failed(DOWN, now)
    assert pauses[:3] == [FIRST_PAUSE, 2 * FIRST_PAUSE, 4 * FIRST_PAUSE]
    assert pauses[-1] == LONGEST_PAUSE


def test_whole_answer_forgets_the_failures() -> None:
    breaker = opened()
    breaker.admits(FIRST_PAUSE)
    breaker.answered()
    assert breaker.state is State.CLOSED
    assert not breaker.failed(DOWN, FIRST_PAUSE)


def test_try_that_was_left_gives_its_place_to_the_next() -> None:
    breaker = opened()
    breaker.admits(FIRST_PAUSE)
    breaker.left()
    assert breaker.admits(FIRST_PAUSE)


def test_wait_that_is_asked_for_is_kept_at_once() -> None:
    breaker = Breaker()
    assert breaker.failed(ModelOverloaded("busy", asked_to_wait=42), 0)
    assert breaker.waits(0) == 42
    assert Breaker().failed(ModelOverloaded("busy"), 0) is False
    endless = Breaker()
    endless.failed(ModelOverloaded("busy", asked_to_wait=1e6), 0)
    assert endless.waits(0) == 3600


def test_wrong_settings_open_it_at_once() -> None:
    breaker = Breaker()
    assert breaker.failed(ModelMisconfigured("wrong key"), 0)
    assert breaker.waits(0) == LONGEST_PAUSE


def test_answers_begun_before_it_opened_change_nothing() -> None:
    breaker = opened()
    breaker.answered()
    assert breaker.failed(DOWN, 1.0) is False
    assert breaker.waits(0) == FIRST_PAUSE
