"""One student's two hundred uploads are all read, and hold up nobody else's."""

import asyncio
from collections import Counter

import pytest
from devstack.waiting import until

from .students import Json, SignUp, Student

UPLOADS = 200


async def waiting(student: Student) -> int:
    """Documents of the student's that are not read yet."""
    return sum(document["status"] == "queued" for document in await documents(student))


async def documents(student: Student) -> list[Json]:
    found: list[Json] = []
    page: Json = {"next_cursor": ""}
    while page["next_cursor"] is not None:
        page = (await student.http.get("/documents", params={"limit": 100, "cursor": page["next_cursor"]})).json()
        found += page["items"]
    return found


@pytest.mark.timeout(300)
async def test_a_small_upload_is_ready_while_two_hundred_of_another_student_wait(sign_up: SignUp) -> None:
    ada, bob = await sign_up(), await sign_up()
    line = "In chapter {} the price of good {} rises by {} percent, and so the quantity that is demanded falls. "
    texts = ["".join(line.format(n, m, n + m) for m in range(15)).encode() for n in range(UPLOADS)]
    taken = await asyncio.gather(*(ada.upload(f"chapter-{n}.txt", text) for n, text in enumerate(texts)))
    assert len({document["id"] for document in taken}) == UPLOADS

    his = await bob.upload("notes.txt", b"The cell is the smallest unit that is alive.")
    before = await waiting(ada)
    assert (await bob.until_read(his["id"], 60))["status"] == "ready"
    after = await waiting(ada)
    assert before > UPLOADS / 4, "the machine was too fast for this test: give it more to read"
    assert before - after < before / 2, f"{before - after} of hers were read before his one"

    async def all_read() -> Json | None:
        states = Counter(document["status"] for document in await documents(ada))
        return None if states["queued"] or states["processing"] else dict(states)

    assert await until(all_read, 200) == {"ready": UPLOADS}
