"""What happens on the bus is CloudEvents that anybody can read, in the trace of the request that caused it."""

import asyncio
import json
import secrets
from pathlib import Path
from typing import Any

import aio_pika
from devstack.local_mesh import LocalMesh
from jsonschema import Draft202012Validator
from mesh.topology import EXCHANGE

from .students import Student

ASYNCAPI = Path(__file__).parents[2] / "contracts" / "asyncapi"
Json = dict[str, Any]


def _payload_schemas() -> dict[str, Json]:
    """By routing key, from the AsyncAPI documents alone, as an outside client would have them."""
    found: dict[str, Json] = {}
    for path in ASYNCAPI.glob("*.json"):
        document = json.loads(path.read_text(encoding="utf-8"))
        schemas = document["components"]["schemas"]
        found |= {channel["address"]: schemas[name] for name, channel in document["channels"].items()}
    return found


async def test_an_upload_and_what_follows_is_one_trace_of_cloud_events(
    mesh: LocalMesh, student: Student, sample: bytes
) -> None:
    schemas = _payload_schemas()
    trace_id = secrets.token_hex(16)
    traceparent = f"00-{trace_id}-{secrets.token_hex(8)}-01"
    async with await aio_pika.connect(mesh.environment["AMQP_URL"]) as connection:
        channel = await connection.channel()
        queue = await channel.declare_queue(exclusive=True)
        await queue.bind(EXCHANGE, "#")

        document = await student.upload("memory.pdf", sample, traceparent=traceparent)
        seen: dict[str, aio_pika.abc.AbstractIncomingMessage] = {}
        async with asyncio.timeout(60), queue.iterator(no_ack=True) as messages:
            async for message in messages:
                assert message.routing_key is not None
                body = json.loads(message.body)
                Draft202012Validator(schemas[message.routing_key]).validate(body)
                if body.get("document_id") == document["id"]:
                    seen[message.routing_key] = message
                if "ingestion.document.processed.v1" in seen:
                    break

    assert "ingestion.document.uploaded.v1" in seen
    for routing_key, message in seen.items():
        assert message.headers["cloudEvents:specversion"] == "1.0"
        assert message.headers["cloudEvents:type"] == routing_key
        assert message.headers["cloudEvents:subject"] == document["id"]
        assert message.content_type == "application/json"
    for routing_key in ("ingestion.document.uploaded.v1", "ingestion.document.processed.v1"):
        assert trace_id in str(seen[routing_key].headers["cloudEvents:traceparent"]), routing_key
