"""A query that asks for too much is refused before it costs anything."""

import time

import pytest
from chat.graphql.bounds import DEEPEST, LONGEST, MOST_TOKENS, Measure, QueryRefused, read
from graphql import GraphQLError, get_introspection_query, parse
from hypothesis import given
from hypothesis import strategies as st

from .school import School

ID = "018f3b2e-0000-7000-8000-000000000001"
NESTED = "{a" * 1000 + "}" * 1000
SPREAD = "".join(f" fragment F{n} on Query {{ ...F{n + 1} ...F{n + 1} }}" for n in range(18))
CHAIN = "".join(f" fragment F{n} on Query {{ {'a{' * 17} ...F{n + 1} {'}' * 17} }}" for n in range(19))
TOO_MUCH = {
    "nested a thousand deep": NESTED,
    "a list nested a thousand deep": "{ a(b: " + "[" * 1000 + "]" * 1000 + ") }",
    "an object nested a thousand deep": "{ a(b: " + "{c:" * 1000 + "1" + "}" * 1000 + ") }",
    "nested without an end": "{a" * 5000,
    "wide": "{ sessions { items { " + "id " * 2000 + "} } }",
    "alike": "{ sessions { items { " + "id " * 200 + "} } }",
    "alike in pages": "{" + "sessions { items { id } } " * 11 + "}",
    "aliases": "{ sessions { items { " + " ".join(f"a{n}: id" for n in range(30)) + "} } }",
    "many roots": "{" + " ".join(f"a{n}: session(id: 1) {{ id }}" for n in range(11)) + "}",
    "two questions": '{ a: chat(sessionId: 1, message: "a") { questionId } b: chat(sessionId: 1, message: "b") { questionId } }',
    "two questions through fragments": "{ ...F ...G } fragment F on Query { a: chat(sessionId: 1) { questionId } } fragment G on Query { b: chat { questionId } }",
    "a question and a retry": 'mutation { chat(sessionId: 1, message: "a") { questionId } retry(messageId: 1) { questionId } }',
    "large pages": "{" + " ".join(
        f"p{n}: messages(sessionId: 1, first: 100) {{ items {{ id content citations {{ quote }} }} }}" for n in range(6)
    ) + "}",
    "large pages by a variable": "query($n: Int!) {" + " ".join(
        f"p{n}: messages(sessionId: 1, first: $n) {{ items {{ id content citations {{ quote }} }} }}" for n in range(9)
    ) + "}",
    "fragments that double": "{ ...F0 }" + SPREAD + " fragment F18 on Query { sessions { items { id } } }",
    "fragments that lead deep": "{ ...F0 }" + CHAIN,
    "a fragment that holds itself": "{ ...F } fragment F on Query { sessions { items { id } } ...F }",
    "fragments that hold each other": "{ ...F } fragment F on Query { ...G } fragment G on Query { ...F }",
    "many fragments": "{ __typename }" + " ".join(f"fragment F{n} on Query {{ __typename }}" for n in range(30)),
    "many operations": " ".join(f"query Q{n} {{ __typename }}" for n in range(5)),
    "introspection without an end": "{ __schema { types { fields { type { fields { type { fields { name } } } } } } } }",
    "long": "{ session(id: \"" + "a" * LONGEST + "\") { id } }",
    "commented": "{ __typename }" + "#" * LONGEST,
}  # fmt: skip


@pytest.mark.parametrize("query", TOO_MUCH.values(), ids=TOO_MUCH.keys())
async def test_query_that_asks_for_too_much_is_refused(school: School, query: str) -> None:
    ada = school.student()
    answer = await ada.client.post("/graphql", json={"query": query, "variables": {"n": 100}})
    if answer.status_code == 422:
        assert len(query) > LONGEST
        return
    (error,) = answer.json()["errors"]
    assert error["extensions"]["type"].endswith("query-refused"), error
    assert answer.json()["data"] is None


@pytest.mark.parametrize("query", TOO_MUCH.values(), ids=TOO_MUCH.keys())
def test_refusing_costs_little(query: str) -> None:
    began = time.process_time()
    with pytest.raises((QueryRefused, RecursionError)):
        Measure(read(query), {"n": 100}).refuse_too_much()
    assert time.process_time() - began < 0.5


async def test_what_a_client_needs_is_not_too_much(school: School) -> None:
    ada = school.student()
    session = (await ada.starts())["id"]
    for query in (
        get_introspection_query(),
        "{ sessions(first: 100) { items { id mode title messageCount createdAt updatedAt documents { id title available } } endCursor } }",
        f'{{ session(id: "{session}") {{ id title }} messages(sessionId: "{session}", first: 100) {{ items {{ id role status content createdAt replyTo'
        " citations { marker documentId documentTitle page quote } error { type detail } } endCursor } }",
    ):
        answer = (await ada.client.post("/graphql", json={"query": query})).json()
        assert "errors" not in answer, answer


@given(st.text(alphabet='{}[]()"#:,.$@!|&abcx01\n \\u', max_size=200) | st.text(max_size=50))
def test_any_text_is_read_or_refused(query: str) -> None:
    try:
        document = read(query)
    except (GraphQLError, QueryRefused):
        return
    try:
        Measure(document, {}).refuse_too_much()
    except QueryRefused:
        return


@given(
    st.recursive(
        st.just("x"), lambda inner: st.lists(inner, min_size=1, max_size=3).map(lambda i: "x{" + " ".join(i) + "}")
    )
)
def test_what_is_read_is_the_tree_that_the_parser_reads(selection: str) -> None:
    query = "{" + selection + "}"
    tokens = len(query.replace("{", " { ").replace("}", " } ").split())
    depth = max(query[:at].count("{") - query[:at].count("}") for at in range(len(query)))
    if tokens <= MOST_TOKENS and depth <= DEEPEST:
        assert read(query) == parse(query)
