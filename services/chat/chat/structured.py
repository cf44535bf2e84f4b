"""Has a language model fill a schema: what comes back is a valid object of it, or nothing.

The server is asked for JSON in the best way that it takes (see `model`), but never trusted: the JSON is cut out of whatever
came, and validated. Once, the model is told what is wrong with it.
"""

import json
import re
from collections.abc import Iterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from logging import getLogger
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ValidationError

from chat.model import Ending, LanguageModel, ModelFailed, Shape, Turn, Usage

log = getLogger(__name__)
T = TypeVar("T", bound=BaseModel)
TRIES = 2
_THOUGHTS = re.compile(r"<think(?:ing)?>.*?(?:</think(?:ing)?>|\Z)", re.DOTALL | re.IGNORECASE)
# PostgreSQL keeps no NUL, and no student reads the others.
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
_MOST_ERRORS = 6
_LONGEST_DRAFT = 4000
# Grammars of some servers know no bounds, and titles cost tokens; what is left out here is validated all the same.
_NOT_SENT = frozenset(("title", "default", "minLength", "maxLength", "format"))


class ModelUnreadable(ModelFailed):
    """The model did not fill the schema. `usage` is what its tries cost."""

    type = "model-unreadable"

    def __init__(self, usage: Usage) -> None:
        super().__init__("The language model sent something that cannot be read. Try again.")
        self.usage = usage


@dataclass(frozen=True, slots=True)
class Filled(Generic[T]):
    """A valid object, and what all tries for it cost."""

    value: T
    usage: Usage


class Refused(ValueError):
    """Why a draft does not do, in words for the model."""


class Structured:
    """A model that fills schemas. Give a schema whose fields are all required: some servers insist on it."""

    def __init__(self, model: LanguageModel) -> None:
        self.name = model.name
        self._model = model

    async def fill(self, turns: Sequence[Turn], schema: type[T], *, longest: int) -> Filled[T]:
        """An object of the schema. Raises `ModelUnreadable` after `TRIES`, and what the model raises."""
        shape = shape_of(schema)
        told = [*turns[:-1], Turn(turns[-1].role, f"{turns[-1].text}\n\n{_demand(shape)}")]
        asked, usage = told, Usage(0, 0)
        for _ in range(TRIES):
            draft, ending = await self._draft(asked, shape, longest)
            usage += ending.usage
            try:
                return Filled(read(draft, schema, complete=ending.complete), usage)
            except Refused as refused:
                log.warning("the language model's %s is refused: %s", shape.name, refused)
                asked = [*told, Turn("assistant", draft[:_LONGEST_DRAFT] or "…"), Turn("user", _correction(refused))]
        raise ModelUnreadable(usage)

    async def _draft(self, turns: Sequence[Turn], shape: Shape, longest: int) -> tuple[str, Ending]:
        text = ""
        async with aclosing(self._model.write(turns, longest=longest, shape=shape)) as pieces:
            async for piece in pieces:
                if isinstance(piece, Ending):
                    return text, piece
                text += piece
        raise AssertionError("a model ends with its Ending, or fails")


def read(draft: str, schema: type[T], *, complete: bool = True) -> T:
    """The last object in the draft that fits the schema. Raises `Refused`."""
    refused = Refused("there is no JSON object in it" + ("" if complete else ", and it was cut off: be shorter"))
    for found in reversed(list(_objects(_THOUGHTS.sub("", draft)))):
        try:
            return schema.model_validate(found)
        except ValidationError as error:
            refused = Refused(_errors(error))
    raise refused


def _objects(text: str) -> Iterator[dict[str, Any]]:
    """The JSON objects that stand in the text, whatever is around them."""
    decoder = json.JSONDecoder(strict=False)
    at = text.find("{")
    while at >= 0:
        try:
            found, end = decoder.raw_decode(text, at)
        except (ValueError, RecursionError):
            end = at + 1
        else:
            yield _clean(found)
        at = text.find("{", end)


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return _CONTROLS.sub(" ", value)
    if isinstance(value, list):
        return [_clean(item) for item in value]
    if isinstance(value, dict):
        return {_clean(name): _clean(item) for name, item in value.items()}
    return value


def shape_of(schema: type[BaseModel]) -> Shape:
    """The schema as it is sent."""
    return Shape(schema.__name__, _sent(schema.model_json_schema()))


def _sent(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_sent(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    sent = {
        # Names of properties are no keywords.
        name: {field: _sent(part) for field, part in value.items()} if name in ("properties", "$defs") else _sent(value)
        for name, value in schema.items()
        if name not in _NOT_SENT
    }
    return sent | {"additionalProperties": False} if "properties" in sent else sent


def _demand(shape: Shape) -> str:
    schema = json.dumps(shape.schema, ensure_ascii=False, separators=(",", ":"))
    return f"Answer with one JSON object that fits this JSON Schema, and with nothing else:\n{schema}"


def _correction(refused: Refused) -> str:
    return f"This does not do: {refused}. Write the whole JSON object again, corrected, and nothing else."


def _errors(error: ValidationError) -> str:
    listed = error.errors(include_url=False, include_input=False, include_context=False)[:_MOST_ERRORS]
    return "; ".join(f"{'.'.join(map(str, item['loc'])) or 'the object'}: {item['msg']}" for item in listed)
