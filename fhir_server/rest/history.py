"""History of an instance, a type or the whole system, https://hl7.org/fhir/R4/http.html#history."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from urllib.parse import urlencode

from fhir_server.bundles import Entry, bundle
from fhir_server.codec import encode
from fhir_server.definitions import structures
from fhir_server.errors import InvalidParameter
from fhir_server.repository import Repository
from fhir_server.rest.call import Call, shape, show
from fhir_server.rest.web import Response
from fhir_server.search.term import resource_key
from fhir_server.search.types.date import span, storable
from fhir_server.storage import links
from fhir_server.storage.history import Window
from fhir_server.storage.resources import Version

_Work = Callable[[Repository, Window], list[Version]]
_Count = Callable[[Repository, Window], int]
# SMART: the history of one resource is reading it, that of a type is a search.
_LETTERS = ("s", "r")
_KNOWN = frozenset(
    {"_count", "_since", "_at", "_page", "_format", "_pretty", "_summary", "_elements", "_list"}
)


def instance(call: Call) -> Response:
    key = resource_key(f"{call.type}/{call.id}")
    return _answer(
        call,
        lambda repository, window: repository.history(call.type, call.id, window),
        lambda repository, window: repository.count_history([], key, window),
    )


def of_type(call: Call) -> Response:
    return _of_types(call, [call.type])


def system(call: Call) -> Response:
    return _of_types(call, structures.resource_types())


def _of_types(call: Call, types: Sequence[str]) -> Response:
    return _answer(
        call,
        lambda repository, window: repository.log(types, window),
        lambda repository, window: repository.count_history(types, 0, window),
    )


def _answer(call: Call, work: _Work, count: _Count) -> Response:
    window = _window(call)
    if call.parameter("_summary") == "count":
        total = call.store.reading(lambda repository: count(repository, window))
        shown = [("self", call.request.query)]
        text = bundle("history", [], call.store.base, call.request.path, shown, total)
        return show(_unshaped(call), 200, text, [])
    page, following = call.store.reading(lambda repository: _page(call, repository, window, work))
    shown = [("self", call.request.query)]
    if following:
        kept = [pair for pair in call.parameters if pair[0] != "_page"]
        shown.append(("next", urlencode([*kept, ("_page", following)])))
    asked = dict(call.parameters)
    entries = [_entry(call, version, asked) for version in page]
    text = bundle("history", entries, call.store.base, call.request.path, shown)
    return show(_unshaped(call), 200, text, [])


def _page(
    call: Call, repository: Repository, window: Window, work: _Work
) -> tuple[list[Version], str]:
    """Return one page and the token of the next, "" after the last."""
    connection, purpose = repository.connection, f"history {call.type}/{call.id}"
    token = call.parameter("_page")
    if token is not None:
        time, key, number = links.unseal(connection, purpose, token)
        window = replace(window, before=(datetime.fromisoformat(time), key, number))
    found = work(repository, window)
    read = found[: window.limit - 1]
    page = repository.seen(read, _LETTERS[bool(call.id)])
    if len(found) < window.limit or not read:
        return page, ""
    last = read[-1]
    place = [last.last_updated.isoformat(), last.key, last.version]
    return page, links.seal(connection, purpose, place)


def _unshaped(call: Call) -> Call:
    """The entries have been shaped: only _format and _pretty are left to apply."""
    left = [pair for pair in call.parameters if pair[0] in ("_format", "_pretty")]
    return Call(call.store, call.limits, call.request, parameters=left)


def _entry(call: Call, version: Version, asked: dict[str, str]) -> Entry:
    url = version.type if version.method == "POST" else f"{version.type}/{version.id}"
    resource = shape(asked, version.content.encode()) if version.content else None
    status = {"POST": "201", "DELETE": "204"}.get(
        version.method, "201" if version.version == 1 else "200"
    )
    response = {
        "status": status,
        "etag": f'W/"{version.version}"',
        "lastModified": version.last_updated.isoformat(timespec="milliseconds"),
    }
    return Entry(
        f"{call.store.base}/{version.type}/{version.id}",
        resource,
        request=encode({"method": version.method, "url": url}),
        response=encode(response),
    )


def _window(call: Call) -> Window:
    unknown = [name for name, _ in call.parameters if name not in _KNOWN]
    if unknown and call.prefers("handling") != "lenient":
        raise InvalidParameter(
            f"{unknown[0]} is not a parameter of history; it takes _count, _since and _at.",
            unknown[0],
        )
    limit = page_size(call) + 1
    since, at = call.parameter("_since"), call.parameter("_at")
    window = Window(limit)
    if since:
        window = Window(limit, since=_moment("_since", since)[0])
    if at:
        low, high = _moment("_at", at)
        window = Window(limit, since=window.since, at=low, upper=high)
    return window


def page_size(call: Call) -> int:
    asked = call.parameter("_count")
    if asked is None:
        return call.limits.page
    if not asked.isascii() or not asked.isdigit() or len(asked) > 9:
        raise InvalidParameter(f"_count has to be a whole number from 0, not {asked!r}.", "_count")
    return min(int(asked), call.limits.largest_page)


def _moment(name: str, text: str) -> tuple[datetime, datetime]:
    found = span(text)
    if found is None:
        raise InvalidParameter(f"{name} has to be a date or instant, not {text!r}.", name)
    return storable(found[0]), storable(found[1])
