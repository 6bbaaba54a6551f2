"""Search over HTTP: one type, all types, a compartment; by GET and by POST.

https://hl7.org/fhir/R4/http.html#search
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from urllib.parse import urlencode

from fhir_server.context import Store
from fhir_server.definitions import compartments, structures
from fhir_server.errors import (
    FHIRError,
    Forbidden,
    InvalidParameter,
    Issue,
    Malformed,
    NotSupported,
)
from fhir_server.repository import Repository
from fhir_server.rest import coverage, explained, found
from fhir_server.rest.call import RESULT_PARAMETERS, Call, show, summary_of
from fhir_server.rest.history import page_size
from fhir_server.rest.web import Response, pairs
from fhir_server.search.parse import parse_all, refuse_many
from fhir_server.search.predicates import HasTerm
from fhir_server.search.query import Condition, Query
from fhir_server.search.term import compartment_term
from fhir_server.search.values import nearest
from fhir_server.storage import includes, plans, searches

Parameters = Sequence[tuple[str, str]]
_OWN = RESULT_PARAMETERS | {"_count", "_page", "_explain"}


@dataclass(frozen=True, slots=True)
class Asked:
    """A search as it was understood."""

    types: Sequence[str]
    used: Parameters
    """Criteria and controls."""
    own: Parameters
    """How the answer is to look, and which page of it."""
    ignored: Sequence[Issue] = ()
    """What Prefer: handling=lenient passed over."""
    compartment: str = ""
    """"Patient/1"."""

    def query(self, store: Store) -> Query:
        query = parse_all(
            self.types, self.used, base_url=store.base, terminology=store.terminology()
        )
        if not self.compartment:
            return query
        if query.contained != "false":
            said = "Contained resources are in no compartment; search their type without one."
            raise InvalidParameter(said, "_contained")
        member = HasTerm(compartment_term(self.compartment), typed=False)
        inside = Condition(f"compartment {self.compartment}", (), member)
        return replace(query, conditions=(inside, *query.conditions))


def of_type(call: Call) -> Response:
    return _answer(call, (call.type,))


def of_type_post(call: Call) -> Response:
    return of_type(_with_form(call))


def system(call: Call) -> Response:
    """Search the types that _type names, or all."""
    return _answer(call, _named(call) or structures.resource_types())


def system_post(call: Call) -> Response:
    return system(_with_form(call))


def compartment(call: Call) -> Response:
    """Search one type, or with * all types, within the compartment of one resource."""
    if call.type not in compartments.compartments():
        listed = ", ".join(compartments.compartments())
        raise NotSupported(f"{call.type} names no compartment; {listed} do.")
    members = [
        name
        for name in structures.resource_types()
        if compartments.membership(call.type, name) and call.member in ("*", name)
    ]
    if call.member == "*" and (named := _named(call)):
        members = [name for name in members if name in named]
    if not members:
        asked = call.parameter("_type") if call.member == "*" else call.member
        raise InvalidParameter(f"{asked} is never in the compartment of a {call.type}.")
    return _answer(call, tuple(members), f"{call.type}/{call.id}")


def compartment_post(call: Call) -> Response:
    return compartment(_with_form(call))


def _named(call: Call) -> tuple[str, ...]:
    """Return the types that _type names."""
    named = [name for key, text in call.parameters if key == "_type" for name in text.split(",")]
    for name in named:
        if not structures.is_resource_type(name):
            hint = nearest(name, structures.resource_types())
            said = f"_type names {name!r}, which is no resource type.{hint}"
            raise InvalidParameter(said, "_type")
    return tuple(dict.fromkeys(named))


def _with_form(call: Call) -> Call:
    """Join the parameters of the address with those of the body."""
    if call.request.body:
        call.sent_kind("form")
    try:
        form = call.request.body.decode()
    except UnicodeDecodeError as error:
        raise Malformed(f"The form is not UTF-8: {error}.") from error
    stated = [*call.parameters, *pairs(form)]
    request = replace(call.request, query=urlencode(stated))
    return replace(call, request=request, parameters=stated)


def _answer(call: Call, types: Sequence[str], within: str = "") -> Response:
    asked = _asked(call, types, within)
    query = replace(asked.query(call.store), count=page_size(call))
    _refuse_text_beside_includes(call, query)
    if call.parameter("_explain") == "true":
        return _explain(call, query)
    page, more, total = call.store.reading(lambda repository: _run(repository, call, query))
    notes = coverage.warnings(call.store.watch.incomplete, query)
    text = found.bundle_of(call, asked.used, asked.own, asked.ignored, page, more, total, notes)
    left = [pair for pair in asked.own if pair[0] in ("_format", "_pretty")]
    return show(replace(call, parameters=left), 200, text, [])


def _refuse_text_beside_includes(call: Call, query: Query) -> None:
    """https://hl7.org/fhir/R4/search.html#summary: the two cannot be mixed."""
    if summary_of(dict(call.parameters)) == "text" and (query.includes or query.revincludes):
        raise InvalidParameter(
            "_summary=text is not possible with _include or _revinclude; leave out one of them.",
            "_summary",
        )


def _asked(call: Call, types: Sequence[str], within: str) -> Asked:
    """Read the parameters; with Prefer: handling=lenient, leave out those that mean nothing."""
    own = [
        (name, str(page_size(call)) if name == "_count" else text)
        for name, text in call.parameters
        if name in _OWN
    ]
    stated = [pair for pair in call.parameters if pair[0] not in _OWN]
    if not call.type or call.member == "*":
        own += [pair for pair in stated if pair[0] == "_type"]
        stated = [pair for pair in stated if pair[0] != "_type"]
    if call.prefers("handling") != "lenient":
        return Asked(types, stated, own, compartment=within)
    refuse_many(types, stated)  # that is no parameter to ignore
    used, ignored = [], []
    for pair in stated:
        try:
            Asked(types, [pair], own).query(call.store)
            used.append(pair)
        except FHIRError as error:
            said = f"{pair[0]} was ignored: {error}"
            ignored.append(Issue("not-supported", said, severity="warning"))
    return Asked(types, used, own, ignored, within)


def _run(
    repository: Repository, call: Call, query: Query
) -> tuple[searches.Page, includes.Included, int | None]:
    connection, token = repository.connection, call.parameter("_page")
    counted = call.parameter("_summary") == "count" or query.count == 0
    if counted and query.total == "none":
        query = replace(query, total="accurate")
    if token is None or counted:
        plans.refuse_costly(connection, query, call.limits.search_cost)
    total = None
    if query.total != "none" and (token is None or counted):
        count = searches.count if query.total == "accurate" else searches.estimate
        total = count(connection, query)
    if counted:
        return searches.Page([]), includes.Included([], complete=True), total
    page = searches.page(connection, query, token, total=total, base_url=call.store.base)
    more = includes.included(connection, query, page.rows, call.limits.includes)
    rows = [replace(row, version=repository.whole(row.version)) for row in page.rows]
    beside = [repository.whole(version) for version in more.versions]
    if token is None and not page.next:
        total = len(rows)  # all there is: the total costs nothing
    return (
        replace(page, rows=rows),
        replace(more, versions=beside),
        page.total if total is None else total,
    )


def _explain(call: Call, query: Query) -> Response:
    if not call.limits.explain:
        raise Forbidden("_explain is for administrators of this server.", "_explain")
    plan = call.store.reading(lambda repository: plans.explain(repository.connection, query))
    left = [pair for pair in call.parameters if pair[0] in ("_format", "_pretty")]
    return show(replace(call, parameters=left), 200, explained.parameters(*plan), [])
