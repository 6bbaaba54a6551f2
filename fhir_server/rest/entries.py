"""Entries of a batch or transaction as a client sent them, https://hl7.org/fhir/R4/bundle.html#transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import unquote

import msgspec

from fhir_server import references
from fhir_server.codec import Resource
from fhir_server.definitions import structures
from fhir_server.errors import FHIRError, Invalid, Issue, Malformed

METHODS = ("DELETE", "POST", "PUT", "PATCH", "GET", "HEAD")
_CONDITIONS = {
    "ifMatch": "if-match",
    "ifNoneMatch": "if-none-match",
    "ifModifiedSince": "if-modified-since",
    "ifNoneExist": "if-none-exist",
}


class _Text(msgspec.Struct):
    resource: msgspec.Raw = msgspec.Raw(b"")


class _Texts(msgspec.Struct):
    entry: list[_Text] = []


@dataclass(slots=True)
class Item:
    """One entry, and what becomes of it."""

    index: int
    full_url: str
    method: str
    path: str
    query: str
    headers: dict[str, str]
    resource: Resource | None
    text: bytes
    type: str = ""
    id: str = ""
    """Of the resource it reads or writes; found or made in the course of a transaction."""
    status: int = 0
    done: bool = False
    """Nothing is left to write: a conditional create found its resource."""
    problem: FHIRError | None = None
    stated_id: str = ""

    def reset(self) -> None:
        """Forget what an attempt that lost a race had found out."""
        self.id, self.status, self.done = self.stated_id, 0, False

    @property
    def place(self) -> str:
        return f"Bundle.entry[{self.index}]"


def items(bundle: Resource, text: bytes, base: str = "") -> list[Item]:
    """Take a decoded bundle and its compact text apart; an entry carries its problem, if it has one.

    Urls are relative to the base or begin with it.
    """
    found = bundle.get("entry", [])
    if not isinstance(found, list) or not all(isinstance(entry, dict) for entry in found):
        raise Malformed("Bundle.entry has to be an array of objects.", "Bundle.entry")
    texts = msgspec.json.decode(text, type=_Texts).entry
    return [
        _item(index, entry, bytes(raw.resource), base)
        for index, (entry, raw) in enumerate(zip(found, texts, strict=True))
    ]


def refuse_problems(items: Sequence[Item]) -> None:
    """Raise Invalid with the problems of all entries, if there are any."""
    problems = [
        issue for item in items if item.problem for issue in within(item.problem, item.place)
    ]
    if problems:
        raise Invalid(issues=problems)


def _item(index: int, entry: Resource, text: bytes, base: str) -> Item:
    item = Item(index, "", "", "", "", {}, None, b"" if text == b"null" else text)
    try:
        _read_entry(item, entry, base)
    except FHIRError as error:
        item.problem = error
    return item


def _read_entry(item: Item, entry: Resource, base: str) -> None:
    request, resource, full_url = entry.get("request"), entry.get("resource"), entry.get("fullUrl")
    if not isinstance(request, dict):
        raise Invalid("The entry has no request; add request.method and request.url.", "request")
    method, url = request.get("method"), request.get("url")
    if method not in METHODS:
        raise Invalid(
            f"request.method has to be one of {', '.join(METHODS)}, not {method!r}.",
            "request.method",
        )
    if not isinstance(url, str) or "\x00" in url:
        raise Invalid("request.url has to be a string.", "request.url")
    if method in ("POST", "PUT", "PATCH") and not isinstance(resource, dict):
        raise Invalid(f"A {method} needs a resource.", "resource")
    path, _, item.query = url.removeprefix(f"{base}/").partition("?")
    item.method, item.path, item.headers = method, unquote(path).strip("/"), _headers(request)
    item.full_url = full_url if isinstance(full_url, str) else ""
    item.resource = resource if isinstance(resource, dict) else None
    if method not in ("GET", "HEAD"):
        _address(item)
        item.stated_id = item.id


def _headers(request: Resource) -> dict[str, str]:
    given = {_CONDITIONS[name]: request[name] for name in _CONDITIONS if name in request}
    for name, value in given.items():
        if not isinstance(value, str):
            raise Invalid(f"request.{name} has to be a string.", "request")
    return given


def _address(item: Item) -> None:
    """Set type and id of a write from its url."""
    parts = item.path.split("/") if item.path else []
    item.type = parts[0] if parts else ""
    if item.method == "POST" and len(parts) > 1 and parts[-1].startswith("$"):
        return
    if not structures.is_resource_type(item.type):
        raise Invalid(
            f"request.url names no resource type of FHIR R4: {item.path!r}.", "request.url"
        )
    if item.method == "POST":
        if len(parts) != 1 or item.query:
            raise Invalid(
                "The url of a create is the resource type alone, such as Patient.", "request.url"
            )
    elif (len(parts) == 2) == bool(item.query) or len(parts) > 2:
        raise Invalid(f"The url of a {item.method} is Type/id or Type?criteria.", "request.url")
    else:
        item.id = parts[1] if len(parts) == 2 else ""
        if item.id and not references.ID.fullmatch(item.id):
            raise Invalid(f"{item.id!r} is no id: {references.ID_RULE}.", "request.url")
    if item.resource is not None and item.method != "PATCH":
        _check_type(item, item.resource)


def _check_type(item: Item, resource: Resource) -> None:
    if resource.get("resourceType") != item.type:
        raise Invalid(
            f"The resource is a {resource.get('resourceType')}, but the url says {item.type}.",
            "resource",
        )
    if item.method == "PUT" and item.id and resource.get("id") != item.id:
        raise Invalid(f"The resource's id is not the one in the url, {item.id!r}.", "resource.id")


def within(error: FHIRError, place: str) -> list[Issue]:
    """Return the error's issues, placed in the bundle."""
    return [
        Issue(issue.code, issue.diagnostics, _placed(issue.expression, place), issue.severity)
        for issue in error.all_issues()
    ]


def _placed(expression: str, place: str) -> str:
    head, _, rest = expression.partition(".")
    if not expression:
        return place
    if head[:1].isupper():
        # An expression inside the resource begins with its type.
        return f"{place}.resource" + (f".{rest}" if rest else "")
    return f"{place}.{expression}"
