"""A student takes everything along, and leaves: it is gone everywhere."""

import gzip
import json

from devstack.waiting import until

from .students import Json, SignUp, Student


async def test_a_copy_of_everything_and_then_nothing_is_left(sign_up: SignUp, sample: bytes) -> None:
    ada = await sign_up()
    document = await ada.ready("memory.pdf", sample)
    session = await ada.study(document["id"])
    await ada.ask(session, "What is the testing effect?")
    card = await ada.http.post("/flashcards", json={"question": "What is recall?", "answer": "Remembering"})
    assert card.status_code == 201

    begun = (await ada.http.post("/users/me/export")).json()

    async def ready() -> Json | None:
        export: Json = (await ada.http.get(f"/users/me/exports/{begun['id']}")).json()
        return export if export["ready"] else None

    export = await until(ready, 90)
    tables = {record["table"] for part in export["parts"] for record in await records(ada, part["path"])}
    assert {"account", "document", "page", "study_session", "message", "note", "card", "notification"} <= tables

    left = await ada.http.request("DELETE", "/users/me", json={"password": ada.password})
    assert left.status_code == 204
    assert (await ada.http.get("/documents")).status_code == 401
    stranger = await sign_up()
    assert (await stranger.http.get(f"/documents/{document['id']}")).status_code == 404


async def records(student: Student, path: str) -> list[Json]:
    answer = await student.http.get(path.removeprefix("/api/v1"))
    assert answer.status_code == 200, answer.text
    return [json.loads(line) for line in gzip.decompress(answer.content).decode().splitlines()]
