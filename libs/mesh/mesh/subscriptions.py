"""What a service takes: a list of plain async functions with typed events."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeVar

from mesh.event import Event
from mesh.retry import Retry, transient

Handler = Callable[..., Awaitable[None]]
H = TypeVar("H", bound=Handler)
# AMQP's prefetch is 16 bits wide, and 0 would be no limit at all.
MOST = 65535


class Kind(StrEnum):
    """`durable`: one quorum queue per service and handler. `broadcast`: every process has a queue of its own."""

    DURABLE = "durable"
    BROADCAST = "broadcast"


@dataclass(frozen=True, slots=True)
class Subscription:
    """One handler and what it takes. `queue` is `<service>.<handler>`; a broadcast's queues add a name per process."""

    service: str
    handler: Handler
    events: tuple[type[Event], ...]
    kind: Kind
    retry: Retry
    prefetch: int
    concurrency: int
    inbox: bool
    on_ready: Callable[..., Awaitable[None]] | None = None

    @property
    def name(self) -> str:
        """The handler's name, as it stands in metrics and queue names."""
        return getattr(self.handler, "__name__", "handler")

    @property
    def queue(self) -> str:
        """The queue, which is also the consumer's name in the inbox."""
        return f"{self.service}.{self.name}"


class Subscriptions:
    """The handlers of one service, in the order in which they were written."""

    def __init__(self, service: str) -> None:
        self.service = service
        self._subscriptions: dict[str, Subscription] = {}

    def on(
        self,
        *events: type[Event],
        retry: Retry = transient,
        prefetch: int = 20,
        concurrency: int = 4,
        inbox: bool = True,
    ) -> Callable[[H], H]:
        """Take durable events once each, in a transaction that the handler's parameters share.

        One process has at most `prefetch` messages of this handler in memory, 1 to 65535, and handles at most
        `concurrency` of them at once; the rest waits in the broker. Less than what the process has for all handlers
        (`Consumer`), so that one that is slow leaves room for the others. `inbox=False` is for a handler that keeps
        nothing in the database and may be repeated: it gets no transaction.
        """
        if ephemeral := [event.__name__ for event in events if event.ephemeral]:
            raise TypeError(f"{', '.join(ephemeral)}: an ephemeral event can only be taken by a broadcast")
        return self._register(
            events, kind=Kind.DURABLE, retry=retry, prefetch=prefetch, concurrency=concurrency, inbox=inbox
        )

    def broadcast(
        self,
        *events: type[Event],
        prefetch: int = 100,
        on_ready: Callable[..., Awaitable[None]] | None = None,
    ) -> Callable[[H], H]:
        """Take events in every process of the service, from the moment it listens; what fails is logged and dropped.

        `on_ready` reads the present state: it runs each time after the process began to listen (at start and after each
        reconnection), and only then the consumer is ready.
        """
        return self._register(
            events,
            kind=Kind.BROADCAST,
            retry=Retry(attempts=1),
            prefetch=prefetch,
            concurrency=prefetch,
            inbox=False,
            on_ready=on_ready,
        )

    def describe(self) -> tuple[Subscription, ...]:
        """Every subscription, for topology, contracts and documentation."""
        return tuple(self._subscriptions.values())

    def _register(self, events: tuple[type[Event], ...], **options: Any) -> Callable[[H], H]:
        if not events or not all(hasattr(event, "routing_key") for event in events):
            raise TypeError("a subscription takes at least one event class that has a type")

        def register(handler: H) -> H:
            subscription = Subscription(service=self.service, handler=handler, events=events, **options)
            refuse_strange_limits(subscription.name, subscription.prefetch, subscription.concurrency)
            if subscription.queue in self._subscriptions:
                raise TypeError(f"{subscription.queue} is subscribed twice; name several events in one decorator")
            self._subscriptions[subscription.queue] = subscription
            return handler

        return register


def refuse_strange_limits(handler: str, prefetch: int, concurrency: int) -> None:
    """Raise `ValueError` for limits that are none, or that AMQP cannot say."""
    for name, limit in (("prefetch", prefetch), ("concurrency", concurrency)):
        if not 1 <= limit <= MOST:
            raise ValueError(f"{name} of {handler} is {limit}, and must be from 1 to {MOST}")
