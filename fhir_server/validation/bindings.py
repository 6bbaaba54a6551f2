"""Required bindings, https://hl7.org/fhir/R4/terminologies.html#required.

A value set that R4 does not enumerate (MIME types, UCUM) is not checked.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from functools import cache
from typing import Any

from fhir_server.definitions import value_sets
from fhir_server.definitions.structures import Element
from fhir_server.validation.primitives import Fault

_FEW = 20


@cache
def allowed(value_set: str) -> frozenset[str] | None:
    """Return the codes of all systems of the value set, None when R4 does not enumerate it."""
    systems = value_sets.codes(value_set)
    return None if systems is None else frozenset().union(*systems.values())


def nearest(word: str, words: frozenset[str]) -> str:
    """Return the word that was most likely meant, "" when none is near."""
    close = get_close_matches(word[:80], words, n=1, cutoff=0.7)
    return close[0] if close else ""


def code_fault(element: Element, code: str) -> Fault | None:
    """Return what is wrong with the value of a code element."""
    codes = allowed(element.binding) if element.binding else None
    if codes is None or code in codes:
        return None
    return Fault(
        "code-invalid", f"{code[:80]!r} is not a code of {element.name}; {_advice(code, codes)}"
    )


def concept_fault(element: Element, type_code: str, value: Mapping[str, Any]) -> Fault | None:
    """Return what is wrong with a CodeableConcept, Coding or Quantity under a required binding."""
    systems = value_sets.codes(element.binding) if element.binding else None
    if systems is None:
        return None
    pairs = list(_pairs(type_code, value))
    if any(code in systems.get(system, ()) for system, code in pairs):
        return None
    listed = sorted(f"{system}|{code}" for system, codes in systems.items() for code in codes)
    shown = ", ".join(listed[:_FEW])
    sentence = f"{element.name} has no code of {element.binding}; give one of {shown}."
    return Fault("code-invalid", sentence)


def _pairs(type_code: str, value: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    codings = value.get("coding", ()) if type_code == "CodeableConcept" else (value,)
    for coding in codings if isinstance(codings, list | tuple) else ():
        if isinstance(coding, dict):
            yield str(coding.get("system")), str(coding.get("code"))


def _advice(code: str, codes: frozenset[str]) -> str:
    if len(codes) <= _FEW:
        return f"write one of {', '.join(sorted(codes))}."
    close = nearest(code, codes)
    return f"did you mean {close!r}?" if close else f"write one of its {len(codes)} codes."


def plain(element: Element, type_code: str) -> dict[str, Any]:
    """Return a JSON Schema that holds only when the binding does."""
    systems = value_sets.codes(element.binding) if element.binding else None
    if systems is None:
        return {}
    if type_code == "code":
        return {"enum": sorted(frozenset().union(*systems.values()))}
    if type_code != "CodeableConcept":
        return {"not": {}}
    pairs = [
        {
            "required": ["system", "code"],
            "properties": {"system": {"enum": [system]}, "code": {"enum": sorted(codes)}},
        }
        for system, codes in systems.items()
    ]
    return {"required": ["coding"], "properties": {"coding": {"items": {"anyOf": pairs}}}}
