"""What is made of the OpenAPI documents so that generators of clients make good types of them."""

from typing import Any

from contract_documents.client_types import for_clients
from contract_documents.openapi import merged
from contract_documents.parts import http_parts

Json = dict[str, Any]


def schema(**properties: Json) -> Json:
    return {"type": "object", "properties": properties, "required": ["id"]}


def reference(name: str) -> Json:
    return {"content": {"application/json": {"schema": {"$ref": f"#/components/schemas/{name}"}}}}


def document() -> Json:
    note = schema(
        id={"type": "string"}, by={"$ref": "#/components/schemas/Author"}, text={"type": "string", "default": ""}
    )
    author = schema(id={"type": "string"}, name={"anyOf": [{"type": "string"}, {"type": "null"}]})
    new = schema(id={"type": "string"}, limit={"type": "integer", "default": 10, "description": "At most"})
    cursor = {
        "name": "cursor",
        "in": "query",
        "schema": {"anyOf": [{"type": "string"}, {"type": "null"}], "title": "C"},
    }
    operation = {
        "parameters": [cursor],
        "requestBody": reference("New"),
        "responses": {"200": reference("Note"), "default": reference("ProblemDocument")},
    }
    problem = schema(id={"type": "string"}, instance={"type": "string", "default": None})
    schemas = {"Note": note, "Author": author, "New": new, "ProblemDocument": problem}
    made = {"paths": {"/notes": {"post": operation}}, "components": {"schemas": schemas}}
    for_clients(made)
    return made


def test_everything_that_an_answer_names_is_there() -> None:
    schemas = document()["components"]["schemas"]
    assert schemas["Note"]["required"] == ["id", "by", "text"]
    assert schemas["Author"]["required"] == ["id", "name"], "also inside of it"


def test_what_may_be_left_out_of_a_request_is_not_required_and_its_default_is_told() -> None:
    new = document()["components"]["schemas"]["New"]
    assert new["required"] == ["id"]
    assert new["properties"]["limit"] == {"type": "integer", "description": "At most. Default: 10"}


def test_members_of_a_problem_stay_optional() -> None:
    problem = document()["components"]["schemas"]["ProblemDocument"]
    assert problem["required"] == ["id"]
    assert "default" not in problem["properties"]["instance"]


def test_a_parameter_is_never_null() -> None:
    (cursor,) = document()["paths"]["/notes"]["post"]["parameters"]
    assert cursor["schema"] == {"title": "C", "type": "string"}


def test_every_operation_has_a_name_of_its_own_says_who_may_call_it_and_answers_problems() -> None:
    operations = [item[method] for item in merged(http_parts())["paths"].values() for method in item]
    names = [operation["operationId"] for operation in operations]
    assert len(names) == len(set(names)) > 20
    for operation in operations:
        assert "security" in operation
        assert "application/problem+json" in operation["responses"]["default"]["content"]
