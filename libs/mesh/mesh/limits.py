"""How much of a handler's messages one process takes at once: what stands in code, or what an operator says instead."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from mesh.errors import MeshError
from mesh.subscriptions import Subscription, Subscriptions, refuse_strange_limits

_PAIR = re.compile(r"\s*(?P<handler>\w+)\s*=\s*(?P<prefetch>\d{1,5})\s*(?:/\s*(?P<concurrency>\d{1,5})\s*)?")
_EXAMPLE = "handler=prefetch or handler=prefetch/concurrency with commas between, such as mail_link=10/2,erase_user=4"


class UnknownHandler(MeshError):
    """An operator limits a handler that there is not."""


@dataclass(frozen=True, slots=True)
class Limit:
    """Messages of one handler: `prefetch` in the process's hands, `concurrency` of them handled at once, or as in code."""

    prefetch: int
    concurrency: int | None = None


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits by handler. What is not named has those of its `bus.on(…)`."""

    by_handler: Mapping[str, Limit] = field(default_factory=dict)

    @classmethod
    def parse(cls, written: str) -> "Limits":
        """Read `handler=prefetch` and `handler=prefetch/concurrency`, separated by commas. Raises `ValueError` with a sentence."""
        limits: dict[str, Limit] = {}
        for pair in filter(None, (part.strip() for part in written.split(","))):
            if (found := _PAIR.fullmatch(pair)) is None:
                raise ValueError(f"{pair!r} is not {_EXAMPLE}")
            handler, prefetch, concurrency = found.group("handler", "prefetch", "concurrency")
            if handler in limits:
                raise ValueError(f"{handler} is limited twice")
            limit = Limit(int(prefetch), None if concurrency is None else int(concurrency))
            refuse_strange_limits(handler, limit.prefetch, 1 if limit.concurrency is None else limit.concurrency)
            limits[handler] = limit
        return cls(limits)

    def expect(self, *buses: Subscriptions) -> "Limits":
        """The same, if all of it is about handlers of these buses. Raises `UnknownHandler`."""
        known = sorted(entry.name for bus in buses for entry in bus.describe())
        if unknown := sorted(self.by_handler.keys() - set(known)):
            service = buses[0].service
            raise UnknownHandler(f"{unknown[0]} is no handler of {service}. There is: {', '.join(known)}")
        return self

    def applied(self, entry: Subscription) -> Subscription:
        """The subscription with the operator's limits in place of its own."""
        limit = self.by_handler.get(entry.name)
        if limit is None:
            return entry
        return replace(entry, prefetch=limit.prefetch, concurrency=limit.concurrency or entry.concurrency)
