"""What endpoints ask for."""

from typing import Annotated

from chassis.clock import Clock
from chassis.tickets import Tickets
from fastapi import Depends, Request


def _clock(request: Request) -> Clock:
    clock: Clock = request.app.state.clock
    return clock


def _tickets(request: Request) -> Tickets:
    tickets: Tickets = request.app.state.tickets
    return tickets


ClockDep = Annotated[Clock, Depends(_clock)]
TicketsDep = Annotated[Tickets, Depends(_tickets)]
