"""Search over HTTP, https://hl7.org/fhir/R4/http.html#search."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import urlencode

from fhir_server.bundles import Entry, bundle
from fhir_server.errors import InvalidParameter
from fhir_server.repository import Repository
from fhir_server.rest.call import RESULT_PARAMETERS, Call, shape, show
from fhir_server.rest.history import page_size
from fhir_server.rest.web import Response, pairs
from fhir_server.search.parse import parse
from fhir_server.search.query import Query
from fhir_server.storage import searches
from fhir_server.storage.resources import Version

_MATCH = b'{"mode":"match"}'
_OWN = RESULT_PARAMETERS | {"_count", "_page"}


def of_type(call: Call) -> Response:
    asked = dict(call.parameters)
    stated = [pair for pair in call.parameters if pair[0] not in _OWN]
    size = page_size(call)
    query = parse(call.type, [*stated, ("_count", str(size))], base_url=call.store.base)
    _refuse_includes(query)
    after = call.parameter("_page")
    counted = asked.get("_summary") == "count" or size == 0
    wants_total = counted or query.total == "accurate"

    def work(repository: Repository) -> tuple[list[Version], str, int | None]:
        total = searches.count(repository.connection, query) if wants_total else None
        if counted:
            return [], "", total
        found, following = searches.page(repository.connection, query, after)
        return [repository.whole(version) for version in found], following, total

    found, following, total = call.store.reading(work)
    entries = [_entry(call, version, asked) for version in found]
    links = [("self", call.request.query)]
    if following:
        kept = [pair for pair in call.parameters if pair[0] != "_page"]
        links.append(("next", urlencode([*kept, ("_page", following)])))
    path = call.request.path.removesuffix("/_search")
    text = bundle("searchset", entries, call.store.base, path, links, total)
    left = [pair for pair in call.parameters if pair[0] in ("_format", "_pretty")]
    return show(replace(call, parameters=left), 200, text, [])


def _refuse_includes(query: Query) -> None:
    if query.includes or query.revincludes:
        raise InvalidParameter(
            "_include and _revinclude are not supported yet; search for the others by themselves."
        )


def _entry(call: Call, version: Version, asked: dict[str, str]) -> Entry:
    content = (version.content or "").encode()
    return Entry(
        f"{call.store.base}/{version.type}/{version.id}", shape(asked, content), search=_MATCH
    )


def of_type_post(call: Call) -> Response:
    if call.request.body:
        call.sent_kind("form")
    stated = pairs(call.request.body.decode("utf-8", "replace"))
    request = replace(call.request, query=urlencode([*call.parameters, *stated]))
    return of_type(replace(call, request=request, parameters=[*call.parameters, *stated]))


def system(_: Call) -> Response:
    raise InvalidParameter(
        "Search over all types is not supported yet; search one type, such as /Patient."
    )


def system_post(call: Call) -> Response:
    return system(call)
