"""What can go wrong on the bus, by what is to be done about it."""


class MeshError(Exception):
    """Base of the bus's own errors."""


class Permanent(MeshError):
    """Raise it, or derive from it, in a handler: trying again cannot help, so the message is dead at once."""


class Transient(MeshError):
    """Raise it, or derive from it, in a handler: another try may succeed, so the message gets all of them."""


class Unreadable(Permanent):
    """The message is no event that this consumer takes: no envelope, an unknown type or version, or invalid data."""


class EventTooLarge(MeshError):
    """The event is larger than the bus carries. Raised where it is written; store the content and send its id."""


class UnresolvedParameter(MeshError):
    """A handler asks for something that `provide=` does not make. Raised when the consumer is built."""
