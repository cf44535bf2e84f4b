"""How much a query may ask for, found out before it costs anything: while it is only characters, and while it is only a tree."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from chassis.errors import Invalid
from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    InlineFragmentNode,
    IntValueNode,
    Lexer,
    OperationDefinitionNode,
    SelectionSetNode,
    Source,
    TokenKind,
    VariableNode,
    parse,
)
from strawberry.extensions import SchemaExtension

from chat.graphql.failures import told
from chat.graphql.paging import DEFAULT_PAGE, LARGEST_PAGE

LONGEST = 32_000
MOST_TOKENS = 1500
DEEPEST = 20  # brackets of any kind; the usual introspection has 14
MOST_FIELDS = 300
MOST_ALIASES = 20
MOST_ROOTS = 10
MOST_ALIKE = 10  # fields of one name in a selection: the validator compares each with each
MOST_FRAGMENTS = 20
MOST_VALUES = 5000
# Each asks the tutor, so an operation has one of them, and the quota of such requests holds.
ASKING = frozenset(("chat", "retry"))
_PAGED = frozenset(("sessions", "messages"))
_LISTED = {"citations": 5, "documents": 3}
# Lists of introspection, each of which may lead to any type again.
_INTROSPECTION_LISTS = frozenset(("fields", "interfaces", "possibleTypes", "inputFields"))
_MOST_INTROSPECTION_LISTS = 2
_INTROSPECTION = frozenset(("__schema", "__type"))
_OPENING = frozenset((TokenKind.BRACE_L, TokenKind.BRACKET_L, TokenKind.PAREN_L))
_NAME = re.compile(r"[_A-Za-z][_0-9A-Za-z]{0,200}")
_CLOSING = frozenset((TokenKind.BRACE_R, TokenKind.BRACKET_R, TokenKind.PAREN_R))


class QueryRefused(Invalid):
    type, title = "query-refused", "The query asks for too much at once"


def read(query: str) -> DocumentNode:
    """The query as a tree. Raises `QueryRefused`, or `GraphQLError` for what is no GraphQL."""
    if len(query) > LONGEST:
        raise QueryRefused(
            f"A query has at most {LONGEST} characters, this one {len(query)}. Send long texts as variables."
        )
    _count_tokens(Source(query))
    return parse(query, no_location=False)


def _count_tokens(source: Source) -> None:
    lexer = Lexer(source)
    tokens = depth = 0
    while (token := lexer.advance()).kind is not TokenKind.EOF:
        tokens += 1
        depth += (token.kind in _OPENING) - (token.kind in _CLOSING)
        if tokens > MOST_TOKENS:
            raise QueryRefused(f"A query has at most {MOST_TOKENS} words and signs. Ask for less at once.")
        if depth > DEEPEST:
            raise QueryRefused(f"A query is nested at most {DEEPEST} deep. Ask for less at once.")


class Measure:
    """Weighs a document. Fragments are weighed once each, so that those which use each other many times cost nothing here."""

    def __init__(self, document: DocumentNode, variables: Mapping[str, Any]) -> None:
        self._variables = variables
        self._operations = [node for node in document.definitions if isinstance(node, OperationDefinitionNode)]
        fragments = [node for node in document.definitions if isinstance(node, FragmentDefinitionNode)]
        self._fragments = {node.name.value: node.selection_set for node in fragments}
        self._definitions = len(fragments)
        self._selections = [node.selection_set for node in (*self._operations, *fragments)]
        self._values: dict[str, int] = {}
        self._lists: dict[str, int] = {}

    def refuse_too_much(self) -> None:
        """Raise `QueryRefused` for what would cost more than it is worth to anybody."""
        if len(self._operations) > 1 or self._definitions > MOST_FRAGMENTS:
            raise QueryRefused(f"A query has one operation and at most {MOST_FRAGMENTS} fragments.")
        fields = [field for selection in self._selections for field in _fields(selection)]
        aliases = sum(field.alias is not None for field in fields)
        if len(fields) > MOST_FIELDS or aliases > MOST_ALIASES:
            raise QueryRefused(f"A query has at most {MOST_FIELDS} fields, and {MOST_ALIASES} of them an alias.")
        for selection in self._selections:
            _refuse_alike(selection)
        for operation in self._operations:
            self._refuse_costly(operation.selection_set)

    def refuse_introspection(self) -> None:
        """Raise `QueryRefused` where it asks what the schema is."""
        if any(field.name.value in _INTROSPECTION for selection in self._selections for field in _fields(selection)):
            raise QueryRefused("The schema is not told here: it is published as contracts/graphql/schema.graphql.")

    def _refuse_costly(self, selection: SelectionSetNode) -> None:
        roots = list(self._flat(selection, frozenset()))
        if len(roots) > MOST_ROOTS or sum(root.name.value in ASKING for root in roots) > 1:
            raise QueryRefused(
                f"An operation has at most {MOST_ROOTS} fields at its root, and asks one question. Ask one after the other."
            )
        if self._lists_within(selection, frozenset()) > _MOST_INTROSPECTION_LISTS:
            raise QueryRefused("An introspection goes through at most two lists of fields or types in each other.")
        if (values := self._weigh(selection, frozenset())) > MOST_VALUES:
            raise QueryRefused(
                f"The query may give {values} values, and {MOST_VALUES} are the most. Ask for smaller pages or fewer fields."
            )

    def _weigh(self, selection: SelectionSetNode, within: frozenset[str]) -> int:
        """How many values it may give."""
        values = 0
        for node in selection.selections:
            if isinstance(node, FragmentSpreadNode):
                values += self._of_fragment(node.name.value, within, self._values, self._weigh)
            elif isinstance(node, InlineFragmentNode):
                values += self._weigh(node.selection_set, within)
            elif isinstance(node, FieldNode):
                inner = self._weigh(node.selection_set, within) if node.selection_set else 0
                values += 1 + inner * self._length(node)
        return min(values, MOST_VALUES * MOST_VALUES)

    def _lists_within(self, selection: SelectionSetNode, within: frozenset[str]) -> int:
        """How many lists of introspection lie in each other."""
        deepest = 0
        for node in selection.selections:
            if isinstance(node, FragmentSpreadNode):
                lists = self._of_fragment(node.name.value, within, self._lists, self._lists_within)
            elif isinstance(node, FieldNode | InlineFragmentNode) and node.selection_set:
                own = isinstance(node, FieldNode) and node.name.value in _INTROSPECTION_LISTS
                lists = own + self._lists_within(node.selection_set, within)
            else:
                lists = 0
            deepest = max(deepest, lists)
        return deepest

    def _of_fragment(self, name: str, within: frozenset[str], known: dict[str, int], weigh: Any) -> int:
        if name in within:
            raise QueryRefused(f"The fragment {name} holds itself.")
        if name not in known:
            selection = self._fragments.get(name)
            known[name] = weigh(selection, within | {name}) if selection else 0
        return known[name]

    def _flat(self, selection: SelectionSetNode, within: frozenset[str]) -> Iterator[FieldNode]:
        """The fields of a selection, those in fragments, too. More than are allowed are not looked for."""
        found = 0
        for node in selection.selections:
            if isinstance(node, FieldNode):
                inner: Iterator[FieldNode] = iter((node,))
            elif isinstance(node, InlineFragmentNode):
                inner = self._flat(node.selection_set, within)
            else:
                assert isinstance(node, FragmentSpreadNode)
                name = node.name.value
                spread = self._fragments.get(name) if name not in within else None
                inner = self._flat(spread, within | {name}) if spread else iter(())
            for field in inner:
                yield field
                found += 1
                if found > MOST_ROOTS:
                    return

    def _length(self, field: FieldNode) -> int:
        name = field.name.value
        if name not in _PAGED:
            return _LISTED.get(name, 1)
        first = next((argument.value for argument in field.arguments or () if argument.name.value == "first"), None)
        if isinstance(first, IntValueNode):
            asked: Any = int(first.value) if len(first.value) < 10 else LARGEST_PAGE
        elif isinstance(first, VariableNode):
            asked = self._variables.get(first.name.value, LARGEST_PAGE)
        else:
            asked = DEFAULT_PAGE if first is None else LARGEST_PAGE
        return max(1, min(asked, LARGEST_PAGE)) if isinstance(asked, int) else LARGEST_PAGE


def _fields(selection: SelectionSetNode) -> Iterator[FieldNode]:
    for node in selection.selections:
        if isinstance(node, FieldNode):
            yield node
        inner = getattr(node, "selection_set", None)
        if inner is not None:
            yield from _fields(inner)


def _refuse_alike(selection: SelectionSetNode) -> None:
    names = Counter((node.alias or node.name).value for node in selection.selections if isinstance(node, FieldNode))
    if names and max(names.values()) > MOST_ALIKE:
        raise QueryRefused(f"A field stands at most {MOST_ALIKE} times in one selection.")
    for node in selection.selections:
        inner = getattr(node, "selection_set", None)
        if inner is not None:
            _refuse_alike(inner)


class Bounded(SchemaExtension):
    """Parses each query itself, after it was looked at, and refuses what asks for too much.

    What it raised in its hooks would end a stream without a word, so it puts something harmless in the query's place.
    """

    _refusal: GraphQLError | None = None

    def on_parse(self) -> Iterator[None]:
        context = self.execution_context
        try:
            context.graphql_document = read(context.query or "")
            measure = Measure(context.graphql_document, context.variables or {})
            measure.refuse_too_much()
            if not context.context.desk.introspection:
                measure.refuse_introspection()
        except RecursionError:
            self._refuse(QueryRefused("The query's fragments lead too deep. Ask for less at once."))
        except QueryRefused as refusal:
            self._refuse(refusal)
        except GraphQLError as error:
            self._refuse(error)
        yield

    def on_validate(self) -> Iterator[None]:
        if self._refusal is not None:
            self.execution_context.pre_execution_errors = [self._refusal]
        yield

    def _refuse(self, reason: QueryRefused | GraphQLError) -> None:
        if isinstance(reason, QueryRefused):
            reason = GraphQLError(reason.detail, original_error=reason)
        self._refusal = told(reason)
        name = self.execution_context._provided_operation_name or ""
        self.execution_context.graphql_document = parse(
            f"query {name if _NAME.fullmatch(name) else ''} {{ __typename }}"
        )
