"""Search over HTTP, https://hl7.org/fhir/R4/http.html#search."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from urllib.parse import urlencode

from fhir_server.bundles import Entry, bundle
from fhir_server.codec import encode
from fhir_server.errors import FHIRError, InvalidParameter, Issue
from fhir_server.outcome import outcome
from fhir_server.repository import Repository
from fhir_server.rest import coverage
from fhir_server.rest.call import RESULT_PARAMETERS, Call, shape, show
from fhir_server.rest.history import page_size
from fhir_server.rest.web import Response, pairs
from fhir_server.search.parse import parse
from fhir_server.search.query import Query
from fhir_server.storage import searches
from fhir_server.storage.resources import Version

Parameters = Sequence[tuple[str, str]]
Found = tuple[list[Version], str, int | None]
"""One page, the token of the next ("" after the last), the total if it was counted."""

_MATCH = encode({"mode": "match"})
_OUTCOME = encode({"mode": "outcome"})
_OWN = RESULT_PARAMETERS | {"_count", "_page"}


def of_type(call: Call) -> Response:
    own = [pair for pair in call.parameters if pair[0] in _OWN]
    used, ignored = _usable(call, [pair for pair in call.parameters if pair[0] not in _OWN])
    query = _query(call, [*used, ("_count", str(page_size(call)))])
    found, following, total = call.store.reading(lambda repository: _found(repository, call, query))
    asked = dict(call.parameters)
    entries = [_entry(call, version, asked) for version in found]
    said = [*ignored, *coverage.warnings(call.store.watch.incomplete, query)]
    if said:
        entries.append(Entry(resource=encode(outcome(said)), search=_OUTCOME))
    # The self link says what was searched for, so it leaves out what was ignored.
    links = [("self", urlencode([*used, *own]) if ignored else call.request.query)]
    if following:
        kept = [pair for pair in own if pair[0] != "_page"]
        links.append(("next", urlencode([*used, *kept, ("_page", following)])))
    path = call.request.path.removesuffix("/_search")
    text = bundle("searchset", entries, call.store.base, path, links, total)
    left = [pair for pair in own if pair[0] in ("_format", "_pretty")]
    return show(replace(call, parameters=left), 200, text, [])


def _usable(call: Call, stated: Parameters) -> tuple[Parameters, list[Issue]]:
    """Part the parameters that can be used from those that Prefer: handling=lenient ignores."""
    if call.prefers("handling") != "lenient":
        return stated, []
    used: list[tuple[str, str]] = []
    ignored: list[Issue] = []
    for pair in stated:
        try:
            _query(call, [pair])
            used.append(pair)
        except FHIRError as error:
            ignored.append(
                Issue("not-supported", f"{pair[0]} was ignored: {error}", severity="warning")
            )
    return used, ignored


def _query(call: Call, stated: Parameters) -> Query:
    query = parse(call.type, stated, base_url=call.store.base)
    if query.includes or query.revincludes:
        raise InvalidParameter(
            "_include and _revinclude are not supported yet; search for the others by themselves."
        )
    return query


def _found(repository: Repository, call: Call, query: Query) -> Found:
    counted = call.parameter("_summary") == "count" or query.count == 0
    total = None
    if counted or query.total == "accurate":
        total = searches.count(repository.connection, query)
    if counted:
        return [], "", total
    page = searches.page(
        repository.connection,
        query,
        call.parameter("_page"),
        total=total,
        base_url=call.store.base,
    )
    return [repository.whole(row.version) for row in page.rows], page.next, page.total


def _entry(call: Call, version: Version, asked: dict[str, str]) -> Entry:
    return Entry(
        f"{call.store.base}/{version.type}/{version.id}",
        shape(asked, (version.content or "").encode()),
        search=_MATCH,
    )


def of_type_post(call: Call) -> Response:
    if call.request.body:
        call.sent_kind("form")
    stated = [*call.parameters, *pairs(call.request.body.decode("utf-8", "replace"))]
    request = replace(call.request, query=urlencode(stated))
    return of_type(replace(call, request=request, parameters=stated))


def system(_: Call) -> Response:
    raise InvalidParameter(
        "Search over all types is not supported yet; search one type, such as /Patient."
    )


def system_post(call: Call) -> Response:
    return system(call)
