"""JSON Patch on a resource, https://hl7.org/fhir/R4/http.html#patch, RFC 6902."""

from __future__ import annotations

import copy
from typing import Any

import jsonpatch
from jsonpointer import JsonPointer, JsonPointerException

from fhir_server import codec
from fhir_server.codec import Resource
from fhir_server.errors import Invalid, Malformed
from fhir_server.patch.outcome import drop_empty, finished

# Members that an operation needs beside op and path, RFC 6902 section 4.
_MEMBERS = {
    "add": "value",
    "remove": "",
    "replace": "value",
    "move": "from",
    "copy": "from",
    "test": "value",
}
_REMOVING = frozenset({"remove", "move"})

# Thirty operations that copy the whole document into itself would make a thousand million of it.
_MOST_COPIED_BYTES = 16 << 20


def apply_json_patch(resource: Resource, operations: object) -> Resource:
    """Return the resource as the operations leave it.

    Malformed when it is no JSON Patch document, Invalid, naming the operation, when one cannot be
    carried out, a test that fails included.
    """
    checked = _checked(operations)
    try:
        patched: Any = copy.deepcopy(resource)
        copied = 0
        for index, operation in enumerate(checked):
            if operation["op"] == "copy":
                copied += _weight(patched, operation["from"])
                _refuse_growth(copied, index)
            patched = _carry_out(patched, operation, index)
        if isinstance(patched, dict) and any(each["op"] in _REMOVING for each in checked):
            drop_empty(patched)
    except RecursionError as error:
        raise Invalid("The patch nests elements too deeply.") from error
    return finished(resource, patched)


def _checked(operations: object) -> list[dict[str, Any]]:
    if not isinstance(operations, list):
        raise Malformed("A JSON Patch document is an array of operations.")
    return [_check(operation, index) for index, operation in enumerate(operations)]


def _check(operation: object, index: int) -> dict[str, Any]:
    if not isinstance(operation, dict):
        raise Malformed(f"Operation {index} is no object; write {{op, path, ...}}.")
    op = operation.get("op")
    if not isinstance(op, str) or op not in _MEMBERS:
        raise Malformed(f"Operation {index} needs an op, one of {', '.join(_MEMBERS)}.")
    if _MEMBERS[op] and _MEMBERS[op] not in operation:
        raise Malformed(f"Operation {index} ({op}) needs the member {_MEMBERS[op]!r}.")
    for name in ("path", "from") if _MEMBERS[op] == "from" else ("path",):
        _check_pointer(operation.get(name), f"Operation {index} ({op})", name)
    return operation


def _check_pointer(pointer: object, operation: str, name: str) -> None:
    if not isinstance(pointer, str):
        raise Malformed(f"{operation} needs {name!r}, a JSON Pointer such as /name/0/family.")
    try:
        JsonPointer(pointer)
    except JsonPointerException as error:
        raise Malformed(f"{operation}: {name!r} is no JSON Pointer: {error}.") from error


def _carry_out(content: Any, operation: dict[str, Any], index: int) -> Any:
    try:
        return jsonpatch.JsonPatch([operation]).apply(content, in_place=True)
    except jsonpatch.JsonPatchTestFailed as error:
        said = f"Operation {index} (test): {operation['path']} does not have the value tested for."
        raise Invalid(said, operation["path"]) from error
    except (jsonpatch.JsonPatchException, JsonPointerException, TypeError) as error:
        said = f"Operation {index} ({operation['op']}) at {operation['path']!r}: {error}."
        raise Invalid(said) from error


def _weight(content: Any, pointer: str) -> int:
    found = JsonPointer(pointer).resolve(content, None)
    return len(codec.encode(found))


def _refuse_growth(copied: int, index: int) -> None:
    if copied > _MOST_COPIED_BYTES:
        raise Invalid(f"Operation {index} (copy): the patch copies more than 16 MiB.")
