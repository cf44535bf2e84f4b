"""Requests are counted as the library would count them."""

from chassis.telemetry import REQUEST_SECONDS, REQUESTS
from gateway.metrics import RequestMetrics
from hypothesis import given, settings
from hypothesis import strategies as st

SECONDS = st.sampled_from([0.0, 0.001, 0.002, 0.0021, 0.25, 1, 2.5, 29.9, 30, 31, 3600]) | st.floats(0, 100)


def _exposed(service: str) -> dict[tuple[str, str], float]:
    return {
        (sample.name, sample.labels.get("le", "")): sample.value
        for metric in (REQUESTS, REQUEST_SECONDS)  # not the registry, which other tests of this process have filled
        for family in metric.collect()
        for sample in family.samples
        if sample.labels.get("service") == service
        and sample.labels.get("route") == "/a"
        and not sample.name.endswith("_created")
    }


@settings(deadline=None)
@given(st.lists(SECONDS, max_size=20))
def test_a_fold_is_the_sum_of_observations(seconds: list[float]) -> None:
    metrics = RequestMetrics("tested")
    before, expected_before = _exposed("tested"), _exposed("expected")
    for value in seconds:
        metrics.note(b"GET", "/a", 200, value)
        REQUEST_SECONDS.labels("expected", "GET", "/a").observe(value)
    metrics.fold()
    metrics.fold()
    gained = {key: value - before.get(key, 0) for key, value in _exposed("tested").items()}
    expected = {key: value - expected_before.get(key, 0) for key, value in _exposed("expected").items()}
    for key, value in expected.items():
        assert abs(gained.get(key, 0) - value) < 1e-6, key
    assert gained.get(("http_requests_total", ""), 0) == len(seconds)
