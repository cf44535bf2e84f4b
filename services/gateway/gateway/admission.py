"""Whether a request is let in: its route, its caller, its quotas. Nothing here waits unless it must."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from functools import partial

from chassis.errors import Forbidden, NotFound, TooLarge

from gateway.addresses import Origin
from gateway.answers import Answer
from gateway.edge import Edge
from gateway.headers import NO_STORE, SECURITY, SECURITY_HTTPS
from gateway.identity import Caller
from gateway.limits import Meter, Quota, Standing
from gateway.metrics import UNMATCHED
from gateway.refusals import MethodNotAllowed, Misdirected, UpgradeRequired
from gateway.requests import RequestHead
from gateway.routes import Place, Route
from gateway.tracing import Trace

_PORT = re.compile(rb":\d*\Z")
_ADDRESS = re.compile(rb"(?:\d{1,3}(?:\.\d{1,3}){3}|\[[0-9a-f:.]+\])\Z")
Waiting = Callable[[], Awaitable[None]]
"""What a step has still to wait for; begun by who waits, so that nothing is left unawaited."""


class Admission:
    """One request on its way in. `open`, then the steps in order; each raises the problem that it deserves."""

    route: Route | None = None
    inner_path = b""
    caller: Caller | None = None
    _quota: Quota | None = None
    _remaining = 0
    _wait = 0.0

    def __init__(self, edge: Edge, head: RequestHead, origin: Origin, now: float) -> None:
        self._edge = edge
        self._head = head
        self._origin = origin
        self._now = now
        self.method = head.method
        """The method to ask the service with."""

    def open(self) -> Answer | None:
        """Find the route; an answer where the gateway itself has it."""
        head, path = self._head, self._head.target.path
        page = self._edge.pages.get(path)
        if not self._is_ours(head.host, path, page is not None):
            raise Misdirected("The Host of this request is not one of ours: GATEWAY_HOSTS names them.")
        if page is not None:
            if head.method not in (b"GET", b"HEAD"):
                raise MethodNotAllowed("This is a page: GET it.", headers={"Allow": "GET, HEAD"})
            return page(self._origin.inside)
        found = self._edge.table.find(path)
        if found is None:
            raise NotFound("There is nothing at this path. /docs lists what there is.")
        place, self.inner_path = found
        self.route = place.routes.get(head.method)
        if self.route is None and head.method == b"HEAD" and b"GET" in place.routes:
            self.route, self.method = place.routes[b"GET"], b"GET"
        if self.route is None:
            return self._other_method(place)
        self._check_route(self.route)
        return None

    def charge_address(self) -> Waiting | None:
        """Charge the address: also for what turns out to be forged."""
        assert self.route is not None
        return self._charge(self._edge.address_meters[self.route.limit], self._origin.limit_key)

    def identify(self) -> Waiting | None:
        """Find out who asks, unless the route is for everybody."""
        assert self.route is not None
        if self.route.public:
            return None
        authorization = self._head.fields.authorization
        if authorization is not None and (caller := self._edge.verdicts.known(authorization)) is not None:
            self.caller = caller
            return None
        return partial(self._find_out, authorization)

    def charge_user(self) -> Waiting | None:
        """Charge the user, if it is known who it is."""
        if self.caller is None or self.route is None:
            return None
        return self._charge(self._edge.user_meters[self.route.limit], self.caller.user_id)

    def lines(self, request_id: bytes) -> bytes:
        """Header lines that every answer to this request carries."""
        origin = self._head.fields.origin
        return b"%b%b%bx-request-id: %b\r\n" % (
            SECURITY if self._origin.scheme == "http" else SECURITY_HTTPS,
            b"" if origin is None else self._edge.cors.lines(origin),
            b"" if self._quota is None else self._quota.line(self._remaining, self._wait),
            request_id,
        )

    @property
    def template(self) -> str:
        """See `journal.Subject`."""
        return self.route.template if self.route is not None else UNMATCHED

    def names(self, trace: Trace) -> dict[str, object]:
        """See `journal.Subject`."""
        names: dict[str, object] = {"request_id": trace.request_id.decode(), "client.address": self._origin.address}
        return names | ({"user_id": self.caller.user_id} if self.caller is not None else {})

    def _is_ours(self, host: bytes, path: bytes, is_page: bool) -> bool:
        name = _PORT.sub(b"", host)
        if not self._edge.hosts or self._edge.hosts & {host, name}:
            return True
        # Probes and Prometheus ask a process by its address; only by a name can a page be led here that is not ours.
        return is_page and (path.startswith(b"/health/") or _ADDRESS.match(name) is not None)

    def _other_method(self, place: Place) -> Answer:
        """A browser's question, or a method that is not served here."""
        head, allow = self._head, place.allow
        if head.method != b"OPTIONS":
            raise MethodNotAllowed(f"Here you may use {allow}.", headers={"Allow": allow})
        lines = f"allow: {allow}\r\n".encode() + NO_STORE
        if head.fields.origin is not None and b"access-control-request-method" in head.fields.read:
            lines += self._edge.cors.preflight(head.fields.origin, allow.encode())
        return Answer(204, lines)

    def _check_route(self, route: Route) -> None:
        head = self._head
        if head.fields.content_length > route.body_limit:
            raise TooLarge(f"The body has {head.fields.content_length} bytes; here it may have {route.body_limit}.")
        if route.websocket:
            if not head.fields.wants_websocket:
                raise UpgradeRequired("Open a WebSocket here.", headers={"Upgrade": "websocket"})
            if not self._edge.cors.allows_socket(head.fields.origin, head.host):
                raise Forbidden("Pages of this origin may not open a WebSocket here.")

    def _charge(self, meter: Meter, key: str) -> Waiting | None:
        remaining = meter.spend(key, self._now)
        if remaining is not None:
            self._quota, self._remaining = meter.quota, remaining
            return None
        outcome = meter.charge(key, self._now)
        if not isinstance(outcome, Standing):
            return partial(self._await_charge, outcome)
        self._stand(outcome)
        return None

    async def _await_charge(self, outcome: asyncio.Future[Standing]) -> None:
        self._stand(await outcome)

    def _stand(self, standing: Standing) -> None:
        self._quota, self._remaining, self._wait = standing.quota, standing.remaining, standing.wait
        if standing.wait:
            raise standing.refusal()

    async def _find_out(self, authorization: bytes | None) -> None:
        self.caller = await self._edge.verdicts.find_out(authorization)
