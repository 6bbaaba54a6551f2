"""$meta, $meta-add and $meta-delete, https://hl7.org/fhir/R4/resource-operations.html.

Adding and deleting make a new version: the history is what everything else reads.
"""

from __future__ import annotations

from collections.abc import Callable

from fhir_server import codec
from fhir_server.codec import Resource
from fhir_server.errors import InvalidParameter
from fhir_server.operations.asked import Asked
from fhir_server.repository import Repository

_LISTS = ("profile", "security", "tag")
Merge = Callable[[list[object], list[object]], list[object]]


def meta(repository: Repository, asked: Asked) -> bytes:
    return _parameters(_stored(repository, asked)["meta"])


def meta_add(repository: Repository, asked: Asked) -> bytes:
    return _changed(
        repository,
        asked,
        lambda old, new: [*old, *(item for item in new if _find(old, item) is None)],
    )


def meta_delete(repository: Repository, asked: Asked) -> bytes:
    return _changed(
        repository, asked, lambda old, new: [item for item in old if _find(new, item) is None]
    )


def _changed(repository: Repository, asked: Asked, merge: Merge) -> bytes:
    given = next((value for value in asked.values("meta") if isinstance(value, dict)), None)
    if given is None or not all(isinstance(given.get(name, []), list) for name in _LISTS):
        raise InvalidParameter(
            "Send a Parameters resource with the parameter meta (valueMeta).", "meta"
        )
    current = repository.read(asked.type, asked.id)
    resource = codec.decode((current.content or "").encode())
    merged = {name: merge(resource["meta"].get(name, []), given.get(name, [])) for name in _LISTS}
    kept = {name: value for name, value in resource["meta"].items() if name not in _LISTS}
    resource["meta"] = kept | {name: value for name, value in merged.items() if value}
    version = repository.update(repository.draft(codec.made(resource), id_=asked.id), current)
    return _parameters(codec.decode((version.content or "").encode())["meta"])


def _find(items: list[object], wanted: object) -> object | None:
    return next((item for item in items if _same(item, wanted)), None)


def _same(one: object, other: object) -> bool:
    """Codings are the same when system and code are: the display is only a label."""
    if isinstance(one, dict) and isinstance(other, dict):
        return (one.get("system"), one.get("code")) == (other.get("system"), other.get("code"))
    return one == other


def _stored(repository: Repository, asked: Asked) -> Resource:
    resource: Resource = codec.decode(
        (repository.read(asked.type, asked.id).content or "").encode()
    )
    return resource


def _parameters(stated: object) -> bytes:
    return codec.encode(
        {"resourceType": "Parameters", "parameter": [{"name": "return", "valueMeta": stated}]}
    )
