"""A user of RabbitMQ for each service, as helm/README.md advises: it works, and speaks in no other service's name."""

import re
from importlib.resources import files
from pathlib import Path
from urllib.parse import urlsplit

import aio_pika
import pytest
from aiormq.exceptions import ChannelAccessRefused
from devstack.for_tests import TestServers
from mesh import Topology
from mesh.topology import EXCHANGE

README = Path(__file__).parents[2] / "helm" / "README.md"


def advised() -> tuple[list[str], list[str]]:
    """What `set_permissions` and `set_topic_permissions` are given for the service `chat`."""
    text = README.read_text(encoding="utf-8").replace("$service", "chat")
    (permissions,) = re.findall(r"rabbitmqctl set_permissions .*?chat (.+)$", text, re.MULTILINE)
    (topics,) = re.findall(r"rabbitmqctl set_topic_permissions .*?chat (.+)$", text, re.MULTILINE)
    return re.findall(r"\S+", permissions.replace('"', "")), re.findall(r"\S+", topics.replace('"', ""))


def user_of_chat(servers: TestServers, amqp_url: str) -> str:
    """The URL of a user whose rights are those that are advised."""
    (configure, write, read), (exchange, may_say, may_hear) = advised()
    assert exchange == EXCHANGE
    url = urlsplit(amqp_url)
    vhost, rabbitmq = url.path.removeprefix("/"), servers.stack.rabbitmq

    def quoted(*values: str) -> str:
        return ", ".join(f'<<"{value}">>'.replace("\\", "\\\\") for value in values)

    backend = "rabbit_auth_backend_internal"
    rabbitmq.evaluate(
        f"{backend}:add_user({quoted('chat', 'a password', 'test')}), "
        f"{backend}:set_permissions({quoted('chat', vhost, configure, write, read, 'test')}), "
        f"{backend}:set_topic_permissions({quoted('chat', vhost, exchange, may_say, may_hear, 'test')})"
    )
    return url._replace(netloc=f"chat:a%20password@{url.hostname}:{url.port}").geturl()


async def test_a_user_of_one_service_says_nothing_in_anothers_name(shared_servers: TestServers, amqp_url: str) -> None:
    topology = Topology.load(Path(str(files("contracts") / "topology.json")))
    url = user_of_chat(shared_servers, amqp_url)
    try:
        async with await aio_pika.connect(url) as connection:
            channel = await connection.channel()
            await topology.declare(channel)
            exchange = await channel.get_exchange(EXCHANGE)
            await exchange.publish(aio_pika.Message(b"{}"), "chat.message.answered.v1")
            with pytest.raises(ChannelAccessRefused, match=r"auth\.user\.deleted\.v1"):
                await exchange.publish(aio_pika.Message(b"{}"), "auth.user.deleted.v1")
    finally:
        shared_servers.stack.rabbitmq.evaluate('rabbit_auth_backend_internal:delete_user(<<"chat">>, <<"test">>)')
