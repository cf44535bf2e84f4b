"""A quiz as a student drives it, and the pages that it asks about."""

from typing import Any
from uuid import UUID

from chat.terms import terms

from .builders import passage
from .school import Json, School, Student

BIOLOGY = UUID("6f0f2b1e-0000-4000-8000-00000000000a")
CHEMISTRY = UUID("6f0f2b1e-0000-4000-8000-00000000000b")
PAGES = [
    "Osmosis is the movement of water through a semipermeable membrane from a region of low solute concentration to a region of "
    "high solute concentration. It needs no energy from the cell. Plants use it to take up water from the soil.",
    "An enzyme is a protein that speeds up a chemical reaction without being used up. Enzymes work best at one temperature. "
    "Each of them fits one substrate.",
    "Figure 3.2 The cell and its parts. Mitosis is the process by which one nucleus divides into two identical nuclei. "
    "It has four phases, which follow each other without a break.",
    "A catalyst is a substance that lowers the activation energy of a reaction. Exercises: What is a catalyst? Explain why it is not "
    "used up. 1. Draw the curve. 2. Compare it with Figure 4.",
    "Metals conduct electricity because their outer electrons are free to move through the lattice. The element with the "
    "highest conductivity is called silver.",
]


def near(one: str, other: str) -> float:
    """A cosine as a model might give: by the share of words in common."""
    some, others = set(terms(one)), set(terms(other))
    return float(len(some & others) / max(1.0, len(some | others)) ** 0.5 / max(1.0, len(others)) ** 0.5)


def lay_out(school: School) -> None:
    """Give the school these pages of two documents as its material."""
    documents = [BIOLOGY, BIOLOGY, BIOLOGY, CHEMISTRY, CHEMISTRY]
    school.neighbours.passages = [
        passage(
            text, page=10 + place, start=40, title="Biology" if document == BIOLOGY else "Chemistry", document=document
        )
        for place, (text, document) in enumerate(zip(PAGES, documents, strict=True))
    ]
    school.neighbours.likeness = near


class Quiz:
    """One student's quiz, as buttons drive it."""

    def __init__(self, student: Student, session: Json) -> None:
        self.student, self.session = student, session
        self.last: Json = {}

    async def press(self, intent: str | None = None, content: str = "", **headers: str) -> Json:
        body = ({"intent": intent} if intent else {}) | ({"content": content} if content else {})
        path = f"/chat/sessions/{self.session['id']}/messages"
        response = await self.student.client.post(path, json=body, headers=headers)
        assert response.status_code == 201, response.text
        self.last = response.json()
        return self.last

    @property
    def recall(self) -> Json:
        turn: Json = self.last["recall"]
        return turn

    @property
    def right(self) -> str:
        """A right answer to the open question, from the pages that the tests know."""
        text = self.recall["question"]["text"]
        for page in PAGES:
            for sentence in page.split(". "):
                held = [w for w in terms(text.split(":", 1)[-1]) if w in terms(sentence)]
                if (
                    len(held) >= 0.7 * len([w for w in terms(text) if w not in ("fill", "blank", "mean", "term")])
                    and held
                ):
                    return sentence
        raise AssertionError(text)


async def begins(school: School, **options: Any) -> Quiz:
    ada = school.student()
    quiz = Quiz(ada, await ada.starts(mode="active_recall", **options))
    await quiz.press("start")
    return quiz
