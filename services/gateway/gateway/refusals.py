"""What the gateway itself refuses, beside the problems that every service knows."""

from chassis.errors import Problem, Unavailable


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
