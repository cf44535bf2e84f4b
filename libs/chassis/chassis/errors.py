"""One hierarchy of errors that a person can read: RFC 9457 problem documents.

The domain raises a `Problem`; the edge turns it into `application/problem+json`. `type` is stable and for programs,
`detail` is for the person and says what to do.
"""

from typing import Any, ClassVar

PROBLEM_MEDIA_TYPE = "application/problem+json"
TYPE_BASE = "urn:studyteddy:problem:"


class Problem(Exception):
    """An expected failure. Subclass it for each `type`; further keyword arguments become members of the document."""

    type: ClassVar[str] = "internal"
    status: ClassVar[int] = 500
    title: ClassVar[str] = "Something went wrong"

    def __init__(self, detail: str, *, headers: dict[str, str] | None = None, **members: Any) -> None:
        super().__init__(detail)
        self.detail = detail
        self.headers = headers or {}
        self.members = members

    def document(self, instance: str | None = None) -> dict[str, Any]:
        """The problem document as a JSON object."""
        document = {
            "type": TYPE_BASE + self.type,
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
        }
        if instance:
            document["instance"] = instance
        return document | self.members


class Invalid(Problem):
    type, status, title = "invalid-request", 422, "The request is not valid"


class Malformed(Problem):
    type, status, title = "malformed-request", 400, "The request cannot be read"


class Unauthorized(Problem):
    type, status, title = "unauthorized", 401, "Sign in first"

    def __init__(self, detail: str, **members: Any) -> None:
        super().__init__(detail, headers={"WWW-Authenticate": 'Bearer realm="studyteddy"'}, **members)


class Forbidden(Problem):
    type, status, title = "forbidden", 403, "Not allowed"


class NotFound(Problem):
    type, status, title = "not-found", 404, "Not found"


class Conflict(Problem):
    type, status, title = "conflict", 409, "It conflicts with what is there"


class TooLarge(Problem):
    type, status, title = "too-large", 413, "Too large"


class UnsupportedMedia(Problem):
    type, status, title = (
        "unsupported-media-type",
        415,
        "This kind of content is not supported",
    )


class TooManyRequests(Problem):
    type, status, title = "too-many-requests", 429, "Too many requests"

    def __init__(self, detail: str, *, retry_after: int, **members: Any) -> None:
        super().__init__(detail, headers={"Retry-After": str(retry_after)}, **members)


class Unavailable(Problem):
    type, status, title = "unavailable", 503, "Not available right now"

    def __init__(self, detail: str, *, retry_after: int = 5, **members: Any) -> None:
        super().__init__(detail, headers={"Retry-After": str(retry_after)}, **members)
