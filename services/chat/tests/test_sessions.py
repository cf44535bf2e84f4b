"""Study sessions over HTTP."""

from collections.abc import Sequence
from uuid import uuid4

from chassis.paging import encode_cursor
from chat.shelf import Shelf

from .builders import passage
from .school import Json, School


async def test_session_names_its_documents_and_tells_the_mesh(school: School) -> None:
    ada = school.student()
    document = await school.shelve(ada, "Cells")
    started = await ada.starts(document_ids=[str(document), str(document)], title="  My\n cells ")
    assert started["title"] == "My cells"
    assert started["documents"] == [{"id": str(document), "title": "Cells", "available": True}]
    assert (await ada.client.get(f"/chat/sessions/{started['id']}")).json() == started
    ((kind, event),) = await school.events()
    assert kind == "chat.session.started.v1"
    assert event["document_ids"] == [str(document)]
    assert event["user_id"] == str(ada.id)


async def test_mode_of_later_says_which_are_available(school: School) -> None:
    ada = school.student()
    response = await ada.client.post("/chat/sessions", json={"mode": "active_recall"})
    assert response.status_code == 422
    assert "available so far are feynman, tutor." in response.json()["detail"]


async def test_documents_of_others_unknown_and_deleted_ones_cannot_be_studied(school: School) -> None:
    ada, eve = school.student(), school.student()
    theirs = await school.shelve(ada)
    answers = [
        await eve.client.post("/chat/sessions", json={"mode": "tutor", "document_ids": [str(document)]})
        for document in (theirs, uuid4())
    ]
    assert [answer.status_code for answer in answers] == [404, 404]
    told = [answer.json()["detail"].replace(str(answer.json()["document_ids"][0]), "X") for answer in answers]
    assert told[0] == told[1]
    assert await school.events() == []


async def test_sessions_are_listed_by_last_use_a_page_at_a_time(school: School) -> None:
    ada = school.student()
    started = [await ada.starts(title=f"Session {number}") for number in range(5)]
    await ada.asks(started[0], "thanks")
    listed: list[str] = []
    cursor: str | None = None
    while True:
        page = (
            await ada.client.get("/chat/sessions", params={"limit": 2} | ({"cursor": cursor} if cursor else {}))
        ).json()
        listed += [item["title"] for item in page["items"]]
        if (cursor := page["next_cursor"]) is None:
            break
    assert listed == ["Session 0", "Session 4", "Session 3", "Session 2", "Session 1"]
    assert (await school.student().client.get("/chat/sessions")).json() == {"items": [], "next_cursor": None}


async def test_cursor_of_another_list_is_refused(school: School) -> None:
    ada = school.student()
    session = await ada.starts()
    for path in ("/chat/sessions", f"/chat/sessions/{session['id']}/messages"):
        for cursor in ("x", "W10", "WyJhIiwiYiJd", "WzEsMV0", "W1tdLFtdXQ", encode_cursor([2**31])):
            response = await ada.client.get(path, params={"cursor": cursor})
            assert response.status_code == 422, (path, cursor)


async def test_deleted_session_is_gone_with_its_messages(school: School) -> None:
    ada = school.student()
    session = await ada.starts()
    answer = (await ada.asks(session, "hello")).json()
    path = f"/chat/sessions/{session['id']}"
    assert (await ada.client.delete(path)).status_code == 204
    for method, gone in (
        ("DELETE", path),
        ("GET", path),
        ("GET", f"{path}/messages"),
        ("POST", f"/chat/messages/{answer['id']}/retry"),
    ):
        assert (await ada.client.request(method, gone)).status_code == 404, gone


async def test_same_idempotency_key_starts_one_session(school: School) -> None:
    ada = school.student()
    bodies: Sequence[Json] = ({"mode": "tutor"}, {"mode": "tutor"}, {"mode": "tutor", "title": "Other"})
    answers = [await ada.client.post("/chat/sessions", json=body, headers={"Idempotency-Key": "k"}) for body in bodies]
    assert [answer.status_code for answer in answers] == [201, 201, 409]
    assert answers[0].json() == answers[1].json()
    assert len((await ada.client.get("/chat/sessions")).json()["items"]) == 1


async def test_first_question_becomes_the_title(school: School) -> None:
    ada = school.student()
    session = await ada.starts()
    await ada.asks(session, "What is the\nname of " + "a very long thing " * 9)
    title = (await ada.client.get(f"/chat/sessions/{session['id']}")).json()["title"]
    assert title.startswith("What is the name of a very")
    assert title.endswith("…")
    assert len(title) <= 82


async def test_citation_of_a_deleted_document_says_that_it_cannot_be_opened(school: School) -> None:
    ada = school.student()
    document = await school.shelve(ada)
    school.neighbours.passages = [passage("The cell is the unit of life.", document=document)]
    session = await ada.starts(document_ids=[str(document)])
    answer = (await ada.asks(session, "What is the cell?")).json()
    assert answer["citations"][0]["available"]
    async with school.database.transaction() as transaction:
        await Shelf(transaction).remove(document, 9, owner=ada.id)
    (_, listed) = await ada.messages(session)
    assert not listed["citations"][0]["available"]
    assert (await ada.client.get(f"/chat/sessions/{session['id']}")).json()["documents"] == [
        {"id": str(document), "title": None, "available": False}
    ]


async def test_messages_can_be_read_from_either_end(school: School) -> None:
    ada = school.student()
    session = await ada.starts()
    for word in ("hello", "thanks", "ok"):
        await ada.asks(session, word)
    path = f"/chat/sessions/{session['id']}/messages"
    newest = (await ada.client.get(path, params={"order": "newest", "limit": 3})).json()
    older = (await ada.client.get(path, params={"order": "newest", "cursor": newest["next_cursor"]})).json()
    oldest = await ada.messages(session)
    assert [m["id"] for m in [*newest["items"], *older["items"]]] == [m["id"] for m in oldest[::-1]]
    assert [m["role"] for m in oldest] == ["student", "tutor"] * 3


ROUTES = [
    ("GET", "/chat/sessions"),
    ("POST", "/chat/sessions"),
    ("GET", "/chat/sessions/{session}"),
    ("DELETE", "/chat/sessions/{session}"),
    ("GET", "/chat/sessions/{session}/messages"),
    ("POST", "/chat/sessions/{session}/messages"),
    ("POST", "/chat/messages/{answer}/retry"),
    ("POST", "/chat/messages/{question}/retry"),
]


async def test_nobody_and_others_get_nothing(school: School) -> None:
    ada, eve, nobody = school.student(), school.student(), school.client()
    session = await ada.starts()
    answer = (await ada.asks(session, "hello")).json()
    for method, template in ROUTES:
        path = template.format(session=session["id"], answer=answer["id"], question=answer["reply_to"])
        body = {"content": "Mine?", "mode": "tutor"} if method == "POST" else None
        refused = await nobody.request(method, path, json=body)
        assert refused.status_code == 401, path
        assert refused.headers["content-type"] == "application/problem+json"
        if path != "/chat/sessions":
            other = await eve.client.request(method, path, json=body)
            assert other.status_code == 404, path
            assert other.headers["content-type"] == "application/problem+json"
    assert len(await ada.messages(session)) == 2
