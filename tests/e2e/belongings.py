"""What a student owns, and how each route that takes ids of such things is called: the generated tests walk the document by it."""

from dataclasses import dataclass

from devstack.waiting import until

from .students import Json, Student

MARK = "Zanzibar"  # stands in everything of the owner's, and in nothing of anybody else's
# Parameters that name nobody's belongings, or such as cannot be made here: random ones stand for them.
UNOWNED = {
    "number": "1",
    "user_id": "00000000-0000-4000-8000-000000000001",  # of administration alone
    "token": "a-link-that-nobody-shared",  # whoever has a link may
    "mail_id": "00000000-0000-4000-8000-000000000003",  # of a laptop alone
    "name": "0" * 64 + ".png",
}
# What anybody may ask without a token: written by hand, so that no route becomes public by mistake.
PUBLIC = {
    "post /auth/signup",
    "post /auth/login",
    "post /auth/refresh",
    "post /auth/password/forgot",
    "get /auth/password/reset",
    "post /auth/password/reset",
    "get /auth/verify-email",
    "post /auth/verify-email",
    "get /mail",  # of a laptop alone
    "get /mail/{mail_id}",
    "get /notifications/unsubscribe",  # whoever has a mail's link may
    "post /notifications/unsubscribe",
    "get /graphql",  # these open a socket, which takes a ticket
    "get /ws",
}
# What is sent to a route with an id in its path. A new route that takes a body stands here, or the test fails.
BODIES: dict[str, Json] = {
    "post /chat/sessions/{session_id}/messages": {"content": "What?"},
    "post /chat/messages/{message_id}/feedback": {"helpful": False},
    "post /chat/sessions/{session_id}/flashcards": {"count": 3},
    "post /chat/documents/{document_id}/flashcards": {"count": 3},
    "post /decks/imports/{import_id}/run": {"scheduling": False},
    "patch /decks/{deck_id}": {"name": "Mine now"},
    "patch /flashcards/{card_id}": {"answer": "Mine now"},
    "post /flashcards/{card_id}/review": {"rating": "good"},
    "post /flashcards/drafts/{draft_id}/accept": {},
    "patch /flashcards/drafts/{draft_id}": {"answer": "Mine now"},
    "patch /admin/users/{user_id}": {"suspended": True},
}
# The rest of a body or query that names an id of another's, by the route and the field that names it.
BESIDE: dict[str, Json] = {
    "post /chat/sessions document_ids": {"mode": "tutor"},
    "post /chat/explain document_ids": {"concept": MARK},
    "post /chat/practice document_ids": {"topic": MARK},
    "post /search document_ids": {"query": f"What of {MARK}?"},
    "post /flashcards deck_id": {"question": "q", "answer": "a"},
    "post /flashcards/bulk card_ids": {"action": "suspend"},
    "post /flashcards/bulk deck_id": {"action": "move", "q": MARK},
    "post /flashcards/drafts/accept deck_id": {},
    "post /flashcards/drafts/{draft_id}/accept deck_id": {},
    "patch /flashcards/{card_id} deck_id": {},
    "get /flashcards/due deck_id": {},
    "get /flashcards/statistics deck_id": {},
}


@dataclass(frozen=True)
class Belongings:
    """The ids by the names that path parameters have."""

    ids: dict[str, str]

    @classmethod
    async def of(cls, owner: Student) -> "Belongings":
        """Make one of each kind."""
        text = (
            f"{MARK} is an island that lies off the coast of East Africa. The economy of {MARK} rests on cloves and on those who visit. "
            * 3
        )
        document = await owner.ready(f"{MARK}.txt", text.encode())
        session = await owner.study(document["id"])
        message = await owner.ask(session, f"What does the economy of {MARK} rest on?")

        async def told() -> Json | None:
            items: list[Json] = (await owner.http.get("/notifications")).json()["items"]
            return items[0] if items else None

        proposal = await _made(owner, f"/chat/documents/{document['id']}/flashcards", json={"count": 1})

        async def proposed() -> Json | None:
            query = {"proposal_id": proposal["id"]}
            items: list[Json] = (await owner.http.get("/flashcards/drafts", params=query)).json()["items"]
            return items[0] if items else None

        deck = await _made(owner, "/decks", json={"name": MARK})
        card = await _made(owner, "/flashcards", json={"question": MARK, "answer": MARK, "deck_id": deck["id"]})
        deleted = await _made(owner, "/flashcards", json={"question": f"{MARK} once", "answer": MARK})
        await owner.http.delete(f"/flashcards/{deleted['cards'][0]['id']}")
        (deletion,) = (await owner.http.get("/flashcards/trash")).json()["items"]
        table = {"file": ("cards.csv", f"question,answer\n{MARK},an island\n".encode())}
        imported = await _made(owner, "/decks/import", files=table)
        export = await _made(owner, "/users/me/export")
        return cls(
            {
                "document_id": document["id"],
                "session_id": session["id"],
                "message_id": message["id"],
                "notification_id": (await until(told, 15))["id"],
                "deck_id": deck["id"],
                "card_id": card["cards"][0]["id"],
                "deletion_id": deletion["id"],
                "import_id": imported["id"],
                "export_id": export["id"],
                "draft_id": (await until(proposed, 15))["id"],
            }
        )


async def _made(owner: Student, path: str, **request: Json) -> Json:
    answer = await owner.http.post(path, **request)  # type: ignore[arg-type]  # a JSON body, or files
    assert answer.status_code in (201, 202), answer.text
    made: Json = answer.json()
    return made
