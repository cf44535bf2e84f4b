"""The gateway runs on uvloop, and so do its tests."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping

import pytest
import uvloop

from .fakes import Running, running


@pytest.hookimpl(optionalhook=True)
def pytest_asyncio_loop_factories() -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    return {"uvloop": uvloop.new_event_loop}


@pytest.fixture
async def gateway(redis_url: str) -> AsyncIterator[Running]:
    """A gateway with the routes of `fakes.ROUTES`."""
    async with running(redis_url) as gateway:
        yield gateway
