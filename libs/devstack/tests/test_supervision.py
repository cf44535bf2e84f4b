"""How long a process that keeps dying waits before its next start."""

from devstack.supervision import LONGEST_DELAY, STEADY_SECONDS, Recovery


def test_each_death_doubles_the_wait_up_to_a_bound() -> None:
    recovery = Recovery(started=0.0)
    waits = []
    for now in range(8):
        waits.append(recovery.died(float(now)))
        recovery.restarted(float(now))
    assert waits == [1, 2, 4, 8, 16, 30, 30, 30]
    assert max(waits) == LONGEST_DELAY


def test_who_ran_steadily_waits_as_at_first() -> None:
    recovery = Recovery(started=0.0)
    assert [recovery.died(1.0), recovery.died(2.0)] == [1, 2]
    recovery.restarted(3.0)
    assert recovery.died(3.0 + STEADY_SECONDS + 1) == 1
