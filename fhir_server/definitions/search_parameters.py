"""Search parameters, https://hl7.org/fhir/R4/searchparameter-registry.html."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType

from fhir_server.definitions import structures, tables

# HL7's documentation examples: they define _id and Condition's subject a second time.
_EXAMPLES = "http://hl7.org/fhir/SearchParameter/example"


@dataclass(frozen=True, slots=True)
class SearchParameter:
    """One search parameter; facts that its SearchParameter leaves out are empty."""

    url: str
    code: str
    type: str
    """number | date | string | token | reference | composite | quantity | uri | special."""
    expression: str = ""
    """FHIRPath, one alternative or more for each type of `base`; "" where R4 gives none (_text)."""
    base: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()
    comparators: tuple[str, ...] = ()
    modifiers: tuple[str, ...] = ()
    components: tuple[tuple[str, str], ...] = ()
    """Of a composite: each part's parameter URL and FHIRPath, relative to `expression`."""


@cache
def _by_url() -> Mapping[str, SearchParameter]:
    rows = tables.read("search-parameters.json", tuple[SearchParameter, ...])
    return MappingProxyType({row.url: row for row in rows})


@cache
def _by_base() -> Mapping[str, Mapping[str, SearchParameter]]:
    own: dict[str, dict[str, SearchParameter]] = {}
    for parameter in _by_url().values():
        if not parameter.url.startswith(_EXAMPLES):
            for name in parameter.base:
                own.setdefault(name, {})[parameter.code] = parameter
    return MappingProxyType(own)


def by_url(url: str) -> SearchParameter:
    """Return the parameter with this canonical URL; KeyError when R4 has none."""
    return _by_url()[url]


def urls() -> tuple[str, ...]:
    """Return the canonical URLs of all parameters, HL7's examples included."""
    return tuple(_by_url())


@cache
def parameters(resource_type: str) -> Mapping[str, SearchParameter]:
    """Return the type's parameters by code, inherited ones included; KeyError for no R4 type."""
    above = structures.parent(resource_type)
    inherited = parameters(above) if above else {}
    return MappingProxyType({**inherited, **_by_base().get(resource_type, {})})
