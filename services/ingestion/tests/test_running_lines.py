"""Running heads and feet stay on the page and out of the passages."""

from collections.abc import AsyncIterator, Sequence

from ingestion.reading.frames import Opened, Part
from ingestion.reading.running_lines import AHEAD, Body, bodies


async def told(pages: Sequence[str], has_pages: bool = True) -> AsyncIterator[Opened | Part]:
    yield Opened(len(pages), has_pages)
    for number, text in enumerate(pages, start=1):
        yield Part(number, text)


WORDS = ["ant", "bee", "cat", "dog", "eel", "fox", "gnu", "hen", "ibis", "jay", "koi", "lark"]


async def bodies_of(pages: Sequence[str], has_pages: bool = True) -> list[str]:
    found = [body async for body in bodies(told(pages, has_pages))]
    assert isinstance(found[0], Opened)
    read = [body for body in found if isinstance(body, Body)]
    assert [body.part.number for body in read] == list(range(1, len(pages) + 1))
    assert [body.part.text for body in read] == list(pages)
    return [(body.part.text or "")[body.start : body.end] for body in read]


async def test_heads_and_page_numbers_are_no_part_of_the_body() -> None:
    texts = [f"The {word} begins this page.\nIt has more lines.\nThe end is a {word}." for word in WORDS]
    pages = [f"Principles of Economics\nPage {n}\n{text}\n{n} of 9" for n, text in enumerate(texts, start=1)]
    assert await bodies_of(pages) == texts


async def test_odd_and_even_pages_have_heads_of_their_own() -> None:
    pages = [f"{('The Title', 'Chapter Three')[n % 2]}\nText on the {word}." for n, word in enumerate(WORDS)]
    assert await bodies_of(pages) == [page.split("\n")[1] for page in pages]


async def test_a_page_that_is_only_a_repeated_line_keeps_it() -> None:
    pages = [f"This is page {n} of 30." for n in range(1, 31)]
    assert await bodies_of(pages) == pages


async def test_lines_that_differ_stay() -> None:
    pages = [f"{word} begins this page.\nIt says more.\nAnd {word} ends it." for word in ("Ant", "Bee", "Cat", "Dog")]
    assert await bodies_of(pages) == pages


async def test_numbers_of_a_table_at_the_edge_stay() -> None:
    pages = [f"Prices of {word}\n1.20 700 550\n1.40 600 640" for word in ("milk", "oil", "rice", "salt", "tea")]
    assert await bodies_of(pages) == pages


async def test_a_text_without_pages_has_no_running_lines() -> None:
    pages = ["The same heading\nand text."] * 5
    assert await bodies_of(pages, has_pages=False) == pages


async def test_pages_that_could_not_be_read_pass() -> None:
    async def some() -> AsyncIterator[Opened | Part]:
        yield Opened(3, True)
        for number in (1, 2, 3):
            yield Part(number, None if number == 2 else f"text {number}")

    assert [body.part.text for body in [b async for b in bodies(some())] if isinstance(body, Body)] == [
        "text 1",
        None,
        "text 3",
    ]


async def test_a_body_comes_after_a_few_pages_not_after_all() -> None:
    taken = 0

    async def counted() -> AsyncIterator[Opened | Part]:
        nonlocal taken
        async for part in told([f"Page {n} text" for n in range(100)]):
            taken += 1
            yield part

    stream = bodies(counted())
    await anext(stream)
    first = await anext(stream)
    assert isinstance(first, Body)
    assert first.part.number == 1
    assert taken == AHEAD + 2
    await stream.aclose()
