"""AsyncAPI 3 of a service: what it sends and takes on the bus, complete enough for a client that has no code of ours."""

from collections.abc import Iterable
from typing import Any

from mesh import Event, Subscription
from mesh.topology import EXCHANGE

from contract_documents.schemas import payload_schema

Json = dict[str, Any]

CLOUD_EVENT_HEADERS: Json = {
    "type": "object",
    "description": "CloudEvents 1.0 in binary mode: attributes as AMQP headers",
    "required": [
        f"cloudEvents:{name}"
        for name in ("specversion", "id", "source", "type", "subject", "time", "dataschema", "aggregateversion")
    ],
    "properties": {
        "cloudEvents:specversion": {"type": "string", "const": "1.0"},
        "cloudEvents:id": {"type": "string", "format": "uuid", "description": "The same in every repetition"},
        "cloudEvents:source": {"type": "string", "description": "The service that publishes"},
        "cloudEvents:type": {"type": "string", "description": "Name and version, as in the routing key"},
        "cloudEvents:subject": {"type": "string", "description": "Id of the aggregate"},
        "cloudEvents:time": {"type": "string", "format": "date-time"},
        "cloudEvents:dataschema": {"type": "string"},
        "cloudEvents:aggregateversion": {
            "type": "integer",
            "minimum": 0,
            "description": "Apply an event only if it is newer than what you have of its subject",
        },
        "cloudEvents:traceparent": {"type": "string", "description": "W3C trace context"},
        "cloudEvents:tracestate": {"type": "string"},
    },
}


def document(service: str, sends: Iterable[type[Event]], takes: Iterable[Subscription]) -> Json:
    """The AsyncAPI document of one service."""
    sends, takes = list(sends), list(takes)
    events = {event.routing_key: event for event in sends}
    events |= {event.routing_key: event for subscription in takes for event in subscription.events}
    operations: Json = {_name("send", event): _send(event) for event in sends}
    for subscription in takes:
        for event in subscription.events:
            operations[_name(f"{subscription.name}_receives", event)] = _receive(subscription, event)
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": f"Study Teddy: {service} on the bus",
            "version": "1",
            "description": f"Events that {service} sends and takes. Generated from code; do not edit.",
        },
        "defaultContentType": "application/json",
        "channels": {_channel_id(event): _channel(event) for event in events.values()},
        "operations": operations,
        "components": {
            "messages": {_channel_id(event): _message(event) for event in events.values()},
            "schemas": {"CloudEventHeaders": CLOUD_EVENT_HEADERS}
            | {_channel_id(event): payload_schema(event) for event in events.values()},
        },
    }


def _channel(event: type[Event]) -> Json:
    return {
        "address": event.routing_key,
        "title": event.__name__,
        "messages": {_channel_id(event): {"$ref": f"#/components/messages/{_channel_id(event)}"}},
        "bindings": {
            "amqp": {
                "is": "routingKey",
                "exchange": {"name": EXCHANGE, "type": "topic", "durable": True, "vhost": "/"},
                "bindingVersion": "0.3.0",
            }
        },
    }


def _message(event: type[Event]) -> Json:
    summary, _, description = (event.__doc__ or event.__name__).strip().partition("\n")
    return {
        "name": event.routing_key,
        "title": event.__name__,
        "summary": summary,
        "description": " ".join(description.split()) or summary,
        "contentType": "application/json",
        "headers": {"$ref": "#/components/schemas/CloudEventHeaders"},
        "payload": {"$ref": f"#/components/schemas/{_channel_id(event)}"},
    }


def _send(event: type[Event]) -> Json:
    delivery = "Ephemeral: may be lost." if event.ephemeral else "Durable: at least once; the id tells repetitions."
    return {"action": "send", "summary": delivery} | _on_channel(event)


def _receive(subscription: Subscription, event: type[Event]) -> Json:
    summary = (subscription.handler.__doc__ or subscription.name.replace("_", " ")).strip().partition("\n")[0]
    return {"action": "receive", "summary": summary, "description": f"Queue: {subscription.queue}"} | _on_channel(event)


def _on_channel(event: type[Event]) -> Json:
    channel = f"#/channels/{_channel_id(event)}"
    return {"channel": {"$ref": channel}, "messages": [{"$ref": f"{channel}/messages/{_channel_id(event)}"}]}


def _channel_id(event: type[Event]) -> str:
    return f"{event.__name__}V{event.schema_version}"


def _name(verb: str, event: type[Event]) -> str:
    return f"{verb}_{_channel_id(event)}"
