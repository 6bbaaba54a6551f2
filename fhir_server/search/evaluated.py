"""Values that an expression finds which `paths` cannot say: by a FHIRPath engine, slow but right.

http://hl7.org/fhirpath/. It costs some 100 µs a resource, so only run-time parameters use it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from functools import lru_cache
from types import MappingProxyType
from typing import Any

import fhirpathpy
from fhirpathpy.engine.invocations import invocation_registry
from fhirpathpy.engine.nodes import FP_Type, ResourceNode

from fhir_server.codec import Resource
from fhir_server.fhirpath import MODEL
from fhir_server.search.fields import Field
from fhir_server.search.rows import Emit, Emitters, Rows

_CALLED = re.compile(r"\b(\w+)\(")
_QUOTED = re.compile(r"'(?:[^'\\]|\\.)*'")
_PLAIN: Mapping[type, tuple[str, ...]] = MappingProxyType(
    {
        bool: ("boolean",),
        int: ("integer", "decimal"),
        float: ("decimal",),
        Decimal: ("decimal",),
        str: ("string", "dateTime", "uri"),
    }
)
"""FHIR types that a value may be of when the engine does not say."""
_SHAPES = (
    ("coding", "CodeableConcept"),
    ("reference", "Reference"),
    ("family", "HumanName"),
    ("given", "HumanName"),
    ("line", "Address"),
    ("city", "Address"),
    ("start", "Period"),
    ("end", "Period"),
    ("low", "Range"),
    ("high", "Range"),
    ("currency", "Money"),
    ("unit", "Quantity"),
    ("value", "Identifier"),
    ("code", "Coding"),
    ("text", "CodeableConcept"),
)
"""Property that tells a datatype, the surest first."""


def problem(expression: str, resource_type: str) -> str:
    """Return why the expression cannot be evaluated; "" when it can."""
    called = _CALLED.findall(_QUOTED.sub("''", expression))
    unknown = next((name for name in called if name not in invocation_registry), "")
    if unknown:
        return f"the function {unknown}() is not supported here"
    try:
        _compiled(expression)({"resourceType": resource_type})
    except Exception as error:  # noqa: BLE001 - the library raises whatever it stumbles on
        return f"it cannot be read as FHIRPath ({_first_line(error)})"
    return ""


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]


@lru_cache(maxsize=512)
def _compiled(expression: str) -> Callable[..., list[Any]]:
    options = {"returnRawData": True, "traceFn": lambda *_: None}
    compiled: Callable[..., list[Any]] = fhirpathpy.compile(expression, MODEL, options)
    return compiled


def values(expression: str, resource: Resource) -> Iterator[tuple[str, Any]]:
    """Yield FHIR type and JSON value of what the expression finds; nothing when it fails."""
    try:
        found = _compiled(expression)(resource)
    except Exception:  # noqa: BLE001 - data that an expression cannot take has no value
        return
    for item in found:
        if isinstance(item, ResourceNode):
            yield str(item.path or "").rpartition(".")[2], item.data
        else:
            yield "", str(item) if isinstance(item, FP_Type) else item


def emitter(field: Field, emitters: Emitters) -> Emit:
    """Return what indexes a whole resource by the field's expression."""
    emits = {name: make(field, None) for name, make in emitters.items()}

    def emit(resource: Resource, rows: Rows) -> None:
        for stated, value in values(field.expression, resource):
            kinds = (stated,) if stated in emits else _kinds(value)
            add = next((emits[kind] for kind in kinds if kind in emits), None)
            if add is not None:
                add(value, rows)

    return emit


def _kinds(value: Any) -> Iterator[str]:
    """Yield the types that a value may be of: a union forgets them."""
    if isinstance(value, dict):
        yield from (kind for name, kind in _SHAPES if name in value)
    else:
        yield from _PLAIN.get(type(value), ())
