"""What the gateway answers itself: documentation that works offline, health, and metrics for inside alone."""

import json
import re

import httpx
import pytest
from openapi_spec_validator import validate

from .fakes import Running, running
from .test_identity import committed_routes
from .wire import connect


async def test_the_documentation_needs_nobody_else(gateway: Running) -> None:
    async with httpx.AsyncClient(base_url=gateway.url) as http:
        page = await http.get("/docs")
        assert page.headers["content-type"] == "text/html; charset=utf-8"
        assert "script-src 'self';" in page.headers["content-security-policy"]
        assert "http" not in re.sub(r"<!doctype.*?>", "", page.text), "nothing is fetched from elsewhere"
        for reference in re.findall(r'(?:src|href)="([^"]+)"', page.text):
            found = await http.get(reference)
            assert found.status_code == 200, reference
            assert len(found.content) > 100
        assert (await http.head("/docs")).status_code == 200
        assert (await http.post("/docs")).status_code == 405


async def test_the_address_that_make_run_names_leads_to_the_documentation(gateway: Running) -> None:
    async with httpx.AsyncClient(base_url=gateway.url, follow_redirects=True) as http:
        assert str((await http.get("/")).url) == f"{gateway.url}/docs"


async def test_the_document_is_the_merged_one_without_what_only_we_read(redis_url: str) -> None:
    async with running(redis_url, committed_routes()) as gateway, httpx.AsyncClient(base_url=gateway.url) as http:
        document = (await http.get("/openapi.json")).json()
    validate(document)
    assert document["paths"].keys() == committed_routes()["paths"].keys()
    assert '"x-' not in json.dumps(document)


async def test_health_is_for_everybody_and_its_reasons_for_inside(redis_url: str) -> None:
    async with (
        running(redis_url, inside_networks=("10.0.0.0/8",)) as gateway,
        httpx.AsyncClient(base_url=gateway.url) as http,
    ):
        assert (await http.get("/health/live")).json() == {"status": "live", "service": "gateway"}
        assert (await http.get("/health/ready")).json() == {"status": "ready", "service": "gateway"}
        assert (await http.get("/metrics")).status_code == 404


async def test_metrics_are_for_inside_alone(gateway: Running) -> None:
    async with connect(gateway.port) as wire:
        await wire.get("/api/v1/things/7", f"Authorization: {gateway.bearer()['Authorization']}")
        await wire.get("/nowhere")
        head, body = await wire.get("/metrics")
        assert head.status == 200
        metrics = body.decode()
        labels = 'method="GET",route="/api/v1/things/{thing_id}",service="gateway",status="200"'
        assert f"http_requests_total{{{labels}}}" in metrics
        assert 'route="unmatched"' in metrics
        assert "gateway_client_connections" in metrics
        head, _ = await wire.get("/metrics", "X-Forwarded-For: 127.0.0.1")
        assert head.status == 404, "it came through a proxy"


@pytest.mark.parametrize("path", ["/docs/", "/docs/../docs", "/docs/other.js", "/health"])
async def test_there_are_no_other_pages(gateway: Running, path: str) -> None:
    async with connect(gateway.port) as wire:
        assert (await wire.get(path))[0].status in (400, 404)
