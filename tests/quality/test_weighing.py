"""The points by which the offline judge weighs are those that its labelled claims give."""

import numpy as np
import pytest
from chat.signs import POINTS, START, Signs, likelihood

from .weighing import fit, read, spread, table


def test_points_are_those_that_were_fitted() -> None:
    _, found, marks = read()
    start, points = table(fit(spread(found), marks))
    assert start == pytest.approx(START, abs=0.02)
    assert points.keys() == POINTS.keys()
    for name, values in points.items():
        assert [list(one) for one in values] == [pytest.approx(list(one), abs=0.02) for one in POINTS[name]]


def test_nobody_looked_at_what_is_blind() -> None:
    sets, found, marks = read()
    assert "blind" not in sets
    assert len(sets) == len(marks) == len(found) > 2000
    assert np.isfinite(found).all()


def test_what_is_not_there_is_neither_supported_nor_contradicted() -> None:
    strange = Signs(known=0.2, words=5, denies=0, sound=0, denied=0, twists=0, missing=4, number=0, by_denial=0)
    likely = likelihood(strange)
    assert likely.supported < 0.05
    assert likely.contradicted < 0.05
