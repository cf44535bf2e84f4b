"""What each service finds in its environment."""

from pathlib import Path

from devstack.parts import OPERATOR, PARTS, mesh_environment, operators, own
from devstack.remembered import Secrets

NAMES = [part.name for part in PARTS]


def environment(given: dict[str, str]) -> dict[str, str]:
    return mesh_environment(
        given,
        parts=PARTS,
        servers={"AMQP_URL": "amqp://ours", "REDIS_URL": "redis://ours"},
        databases={name: f"postgresql+asyncpg://{name}" for name in NAMES},
        ports={name: 20000 + number for number, name in enumerate(NAMES)},
        kept=Secrets("1:key", {name: f"{name}-secret" for name in [*NAMES, OPERATOR]}, {}),
        data=Path("/data"),
    )


def test_what_was_given_goes_before_what_was_chosen() -> None:
    found = environment({"AMQP_URL": "amqp://given", "REDIS_URL": ""})
    assert found["AMQP_URL"] == "amqp://given"
    assert found["REDIS_URL"] == "redis://ours", "empty is unset"


def test_links_in_mails_lead_to_the_gateway_of_this_mesh() -> None:
    found = environment({})
    assert found["AUTH_PUBLIC_URL"] == found["NOTIFIER_PUBLIC_URL"] == f"http://localhost:{found['GATEWAY_PORT']}"
    assert "AUTH_PUBLIC_URL" not in own(found, next(part for part in PARTS if part.name == "chat"), PARTS)


def test_mails_lie_beside_the_data() -> None:
    assert environment({})["NOTIFIER_MAIL_FOLDER"] == "/mail"


def test_auth_knows_every_secret_and_the_others_their_own() -> None:
    found = environment({})
    by_part = {part.name: own(found, part, PARTS) for part in PARTS}
    assert "chat:chat-secret" in by_part["auth"]["AUTH_SERVICE_SECRETS"]
    for name in ("ingestion", "chat", "gateway"):
        assert by_part[name][f"{name.upper()}_SERVICE_SECRET"] == f"{name}-secret"
        assert not any("secret" in value for key, value in by_part[name].items() if not key.startswith(name.upper()))
        assert by_part[name]["AUTH_URL"] == "http://127.0.0.1:20000"
    assert by_part["gateway"]["GATEWAY_CHAT_URL"] == by_part["chat"]["CHAT_INGESTION_URL"].replace("20001", "20002")


def test_an_operator_is_told_where_everything_is_and_has_a_secret_of_its_own() -> None:
    ports = {name: 20000 + number for number, name in enumerate(NAMES)}
    kept = Secrets("1:key", {OPERATOR: "mesh-secret"}, {})
    found = operators(environment({}), parts=PARTS, ports=ports, kept=kept)
    assert found["AMQP_URL"] == "amqp://ours"
    assert found["MESH_SERVICE_SECRET"] == "mesh-secret"
    assert "auth=http://127.0.0.1:20000,ingestion=" in found["MESH_SERVICES"]
    assert "gateway" not in found["MESH_SERVICES"]
    assert "MESH_SERVICE_SECRET" not in environment({}), "it is no service's"
