"""What the gateway itself refuses, beside the problems that every service knows."""

from enum import StrEnum

from chassis.errors import Problem, Unavailable


class Failure(StrEnum):
    """How a service lets an exchange down."""

    CLOSED = "closed"
    UNREADABLE = "unreadable"
    SLOW = "slow"


class MethodNotAllowed(Problem):
    type, status, title = "method-not-allowed", 405, "This method is not allowed here"


class RequestTimeout(Problem):
    type, status, title = "request-timeout", 408, "The request came too slowly"


class TargetTooLong(Problem):
    type, status, title = "target-too-long", 414, "The URL is too long"


class UpgradeRequired(Problem):
    type, status, title = "upgrade-required", 426, "This is a WebSocket"


class HeadTooLarge(Problem):
    type, status, title = "headers-too-large", 431, "The headers are too large"


class NotImplementedHere(Problem):
    type, status, title = "not-implemented", 501, "The gateway does not do this"


class BadUpstream(Problem):
    type, status, title = "bad-gateway", 502, "The service gave no readable answer"


class UpstreamTimeout(Problem):
    type, status, title = "gateway-timeout", 504, "The service took too long"


class VersionNotSupported(Problem):
    type, status, title = "version-not-supported", 505, "This HTTP version is not spoken here"


class Overloaded(Unavailable):
    """Shed to keep the rest quick: a queue or a pool is full."""

    type, title = "overloaded", "Too much to do right now"


class Misdirected(Problem):
    type, status, title = "misdirected-request", 421, "This host is not served here"


def let_down(service: str, failure: Failure) -> Problem:
    """What to say when a service did not answer as it should."""
    if failure is Failure.SLOW:
        return UpstreamTimeout(
            f"The {service} service did not answer in time. Try again in a moment.", headers={"Retry-After": "5"}
        )
    return BadUpstream(
        f"The {service} service broke off. If the request changes something, look whether it did before you send it "
        "again, or send it with an Idempotency-Key."
    )
