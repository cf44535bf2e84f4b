"""What endpoints ask for."""

from typing import Annotated

from chassis.clock import Clock
from chassis.tickets import Tickets
from fastapi import Depends, Request

from notifier.unsubscribing import Unsubscribing


async def _clock(request: Request) -> Clock:
    clock: Clock = request.app.state.clock
    return clock


async def _tickets(request: Request) -> Tickets:
    tickets: Tickets = request.app.state.tickets
    return tickets


async def _unsubscribing(request: Request) -> Unsubscribing:
    unsubscribing: Unsubscribing = request.app.state.unsubscribing
    return unsubscribing


ClockDep = Annotated[Clock, Depends(_clock)]
TicketsDep = Annotated[Tickets, Depends(_tickets)]
UnsubscribingDep = Annotated[Unsubscribing, Depends(_unsubscribing)]
