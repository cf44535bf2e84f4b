"""The order of passages: meaning and words together, and neither alone."""

from uuid import UUID, uuid4

import numpy as np
import pytest
from ingestion.ranking import Candidate, best_first, nearest


def order(*candidates: tuple[float, float]) -> list[int]:
    """Which come first, by their places."""
    ids = [UUID(int=number) for number in range(len(candidates))]
    made = [Candidate(key, cosine, bm25) for key, (cosine, bm25) in zip(ids, candidates, strict=True)]
    return [one.passage_id.int for one in best_first(made)]


def test_without_words_the_nearest_comes_first() -> None:
    assert order((0.2, 0), (0.9, 0), (0.5, 0)) == [1, 2, 0]


def test_of_passages_that_are_equally_near_the_one_with_the_words_comes_first() -> None:
    assert order((0.6, 0), (0.6, 30), (0.6, 12)) == [1, 2, 0]


def test_words_do_not_lift_what_is_far_and_meaning_does_not_hide_what_names_the_thing() -> None:
    assert order((0.9, 10), (0.1, 40)) == [0, 1]
    assert order((0.62, 5), (0.55, 40)) == [1, 0]


def test_few_and_common_words_weigh_little() -> None:
    assert order((0.65, 0), (0.55, 40)) == [1, 0]
    assert order((0.65, 0), (0.55, 2)) == [0, 1]


def test_ties_have_an_order_and_nothing_has_none() -> None:
    same = [Candidate(uuid4(), 0.5, 1.0) for _ in range(5)]
    assert best_first(same) == best_first(same[::-1])
    assert best_first([]) == []


def test_a_passage_is_as_near_as_its_nearest_vector() -> None:
    vectors = np.array([[1, 0], [0, 1]], np.float32)
    assert nearest(np.array([0.6, 0.8], np.float32), vectors) == pytest.approx(0.8)
    assert nearest(np.array([-1, 0], np.float32), vectors) == 0.0
