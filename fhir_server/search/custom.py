"""Search parameters that were stored at run time: one immutable set, which a process replaces.

https://hl7.org/fhir/R4/searchparameter.html. What is derived from parameters is kept by what `of`
returns, so types that nothing was defined for stay as they are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from fhir_server.definitions.search_parameters import SearchParameter
from fhir_server.search.term import fact


@dataclass(frozen=True, slots=True)
class Defined:
    """One stored SearchParameter that adds to R4's parameters."""

    name: str
    """Where it is stored: "SearchParameter/eye"."""
    parameter: SearchParameter
    """Its base lists the concrete types that it is new for."""

    @property
    def fingerprint(self) -> str:
        """What has to be the same for the index to stay right."""
        own = self.parameter
        parts = [own.code, own.type, own.expression, *own.base, *own.targets]
        return str(fact(*parts, *(part for each in own.components for part in each)))


@dataclass(frozen=True, slots=True, eq=False)
class Added:
    """What a type has beside R4's parameters; one object as long as it says the same.

    So what is derived from it is found by its identity, however many parameters there are.
    """

    parameters: tuple[SearchParameter, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Custom:
    """All that is defined; two are the same only when they are one."""

    generation: int
    """Changes with every SearchParameter that is written."""
    defined: tuple[Defined, ...] = ()
    by_type: Mapping[str, Added] = field(default_factory=lambda: MappingProxyType({}))


NOTHING = Custom(0)
_NONE = Added()
_in_use = [NOTHING]


def current() -> Custom:
    """Return what this process indexes and searches by."""
    return _in_use[0]


def use(custom: Custom) -> None:
    """Index and search by it from now on."""
    _in_use[0] = custom


def of(resource_type: str) -> Added:
    """Return what was defined for the type."""
    return _in_use[0].by_type.get(resource_type, _NONE)


def made(generation: int, defined: Sequence[Defined]) -> Custom:
    """Put the parameters together; the caller has seen to it that no type has a code twice."""
    by_type: dict[str, tuple[SearchParameter, ...]] = {}
    for each in defined:
        for name in each.parameter.base:
            by_type[name] = (*by_type.get(name, ()), each.parameter)
    added = {name: _unchanged(name, parameters) for name, parameters in by_type.items()}
    return Custom(generation, tuple(defined), MappingProxyType(added))


def _unchanged(resource_type: str, parameters: tuple[SearchParameter, ...]) -> Added:
    known = of(resource_type)
    return known if known.parameters == parameters else Added(parameters)
