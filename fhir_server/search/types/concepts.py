"""Codes that `:in`, `:not-in`, `:above` and `:below` of a token stand for.

https://hl7.org/fhir/R4/search.html#modifiers
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from fhir_server.definitions import value_sets
from fhir_server.definitions.compositions import NotEnumerable
from fhir_server.search.escape import split, unescape
from fhir_server.search.fields import Field
from fhir_server.search.reading import Reading, Terminology, refuse

MODIFIERS = ("in", "not-in", "above", "below")
_MOST_CODES = 10_000


def read(field: Field, modifier: str, text: str, reading: Reading) -> Mapping[str, frozenset[str]]:
    """Return by code system the codes that the value means; InvalidParameter when that is not known."""
    if modifier in ("above", "below"):
        return _related(field, modifier, text, reading)
    meant = unescape(text).removeprefix(f"{reading.base_url}/")
    try:
        codes = reading.terminology.codes(meant)
    except NotEnumerable as why:
        raise refuse(field, text, f"the value set cannot be used for :in, because {why}") from None
    _refuse_many(field, text, codes)
    if not any(codes.values()):
        raise refuse(field, text, "the value set has no codes.")
    return codes


def _related(
    field: Field, modifier: str, text: str, reading: Reading
) -> Mapping[str, frozenset[str]]:
    parts = [unescape(part) for part in split(text, "|")]
    if len(parts) > 2 or not all(parts):
        raise refuse(field, text, f"write system|code for :{modifier}.")
    code = parts[-1]
    known = reading.terminology
    system = parts[0] if len(parts) == 2 else _system(field, code, text, known)
    related = known.ancestors if modifier == "above" else known.descendants
    try:
        codes = {system: related(system, code)}
    except NotEnumerable as why:
        raise refuse(field, text, f"its code system cannot be read, because {why}") from None
    _refuse_many(field, text, codes)
    return codes


def _system(field: Field, code: str, text: str, known: Terminology) -> str:
    """Return the one system that has the code: of the element's own, or of all known."""
    systems = frozenset(_implied(field, code)) or known.systems_of(code)
    if len(systems) == 1:
        return next(iter(systems))
    found = f"{len(systems)} code systems have" if systems else "no known code system has"
    raise refuse(field, text, f"{found} this code; write system|code.")


def _implied(field: Field, code: str) -> Iterator[str]:
    """Yield the systems with the code in required bindings of the parameter's elements."""
    for path in field.paths:
        binding = path.element.binding if path.element else None
        for system, codes in ((binding and value_sets.codes(binding)) or {}).items():
            if code in codes:
                yield system


def _refuse_many(field: Field, text: str, codes: Mapping[str, frozenset[str]]) -> None:
    count = sum(map(len, codes.values()))
    if count > _MOST_CODES:
        rule = f"it stands for {count} codes, but {_MOST_CODES} are the most; name a smaller one."
        raise refuse(field, text, rule)
