"""What a handler asks for beside its event: found by type when the consumer is built, made for each delivery."""

import inspect
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, get_args, get_type_hints

from sqlalchemy.ext.asyncio import AsyncSession

from mesh.envelope import Envelope
from mesh.errors import UnresolvedParameter
from mesh.event import Event

Provide = Mapping[Any, Any]
_Maker = Callable[[AsyncSession | None, Envelope | None], Any]


@dataclass(frozen=True, slots=True)
class Bound:
    """A function whose parameters are resolved: call it with an event and what the delivery has."""

    function: Callable[..., Awaitable[None]]
    makers: tuple[tuple[str, _Maker], ...]
    needs_session: bool

    async def __call__(self, *event: Event, session: AsyncSession | None, envelope: Envelope | None) -> None:
        """Make what the function asks for and call it."""
        await self.function(*event, **{name: make(session, envelope) for name, make in self.makers})


def bind(function: Callable[..., Awaitable[None]], provide: Provide, *, events: tuple[type[Event], ...] = ()) -> Bound:
    """Resolve a function's parameters: the first is the event when there are `events`, others are found by their type.

    `Envelope` and `AsyncSession` are the delivery's own. `provide` maps a type to a value, to a function without
    parameters, or to one that takes the delivery's session. Raises `UnresolvedParameter` for everything else.
    """
    hints = get_type_hints(function)
    names = list(inspect.signature(function).parameters)
    if events:
        _check_event(function, hints, names[:1], events)
        names = names[1:]
    resolved = [(name, *_resolve(function, name, hints.get(name), provide)) for name in names]
    makers = tuple((name, maker) for name, maker, _ in resolved)
    return Bound(function, makers, needs_session=any(of_session for _, _, of_session in resolved))


def _check_event(
    function: Callable[..., Any], hints: Mapping[str, Any], names: list[str], events: tuple[type[Event], ...]
) -> None:
    wanted = hints.get(names[0]) if names else None
    taken = get_args(wanted) or (wanted,)
    for event in events:
        if not any(isinstance(kind, type) and issubclass(event, kind) for kind in taken):
            raise UnresolvedParameter(f"{_name(function)}: its first parameter does not take {event.__name__}")


def _resolve(function: Callable[..., Any], name: str, wanted: Any, provide: Provide) -> tuple[_Maker, bool]:
    if wanted is Envelope:
        return lambda _, envelope: envelope, False
    if isinstance(wanted, type) and issubclass(wanted, AsyncSession):
        return lambda session, _: session, True
    if wanted not in provide:
        raise UnresolvedParameter(f"{_name(function)} asks for {name}: {wanted}, which provide= does not make")
    made = provide[wanted]
    if not (inspect.isroutine(made) or isinstance(made, type | partial)):
        return lambda *_: made, False
    required = [p for p in inspect.signature(made).parameters.values() if p.default is p.empty]
    if len(required) > 1:
        raise UnresolvedParameter(f"{_name(function)}: what makes {wanted} may take a session and nothing else")
    return (lambda session, _: made(session), True) if required else (lambda *_: made(), False)


def _name(function: Callable[..., Any]) -> str:
    return f"{function.__module__}.{getattr(function, '__qualname__', function)}"
