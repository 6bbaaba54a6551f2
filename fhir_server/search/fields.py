"""A search parameter on one resource type: its names, numbers, paths and compartments.

https://hl7.org/fhir/R4/searchparameter-registry.html, https://hl7.org/fhir/R4/compartmentdefinition.html
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from types import MappingProxyType

from fhir_server.definitions import compartments as facts
from fhir_server.definitions import search_parameters
from fhir_server.definitions.search_parameters import SearchParameter
from fhir_server.search import custom
from fhir_server.search.custom import Added
from fhir_server.search.paths import Path, UnsupportedExpressionError, compile_paths
from fhir_server.search.term import fact, param_id

# R4 calls both string, but they ask for words anywhere.
_OWN_TYPES = MappingProxyType({"_text": "words", "_content": "words"})


@dataclass(frozen=True, slots=True)
class Field:
    """One search parameter on one resource type."""

    resource_type: str
    code: str
    type: str
    """Search parameter type: token, reference, date, ...; "words" for _text and _content."""
    targets: tuple[str, ...]
    paths: tuple[Path, ...]
    prefix: str
    """"Observation.code", with which the parameter's terms begin."""
    param: int
    """Its number in the ordered tables."""
    present: int
    """Term of every resource in which the parameter has a value."""
    compartments: frozenset[str]
    """Types whose compartment the resource enters by a reference of this parameter."""
    components: tuple[tuple[str, str], ...] = ()
    """Of a composite: each part's parameter URL and FHIRPath, relative to what `paths` lead to."""
    expression: str = ""
    """FHIRPath to evaluate, of a parameter whose values `paths` cannot say; else ""."""

    @property
    def single(self) -> bool:
        """Whether a resource can have one value at most: one element, which does not repeat."""
        elements = {path.element.path for path in self.paths if path.element}
        return len(elements) == 1 and not any(path.many for path in self.paths)

    @property
    def resolved(self) -> frozenset[str]:
        """Return the types of targets that `resolve() is` lets through; none where any may be one."""
        kinds = [each.name for path in self.paths for each in path.filters if each.kind == "target"]
        return frozenset(kinds) if kinds and len(kinds) == len(self.paths) else frozenset()

    @property
    def folded(self) -> bool:
        """Whether case is ignored: R4 asks for it unless the code system is known to heed case."""
        return not self.paths or any(path.type != "code" for path in self.paths)


def fields(resource_type: str) -> Mapping[str, Field]:
    """Return the type's parameters by code; KeyError when R4 has no such type."""
    return _fields(resource_type, custom.of(resource_type))


@lru_cache(maxsize=2**10)
def _fields(resource_type: str, added: Added) -> Mapping[str, Field]:
    listed = [*search_parameters.parameters(resource_type).values(), *added.parameters]
    return MappingProxyType({each.code: field_of(resource_type, each) for each in listed})


@lru_cache(maxsize=2**12)
def shares(field: Field) -> tuple[Field, ...]:
    """Return the parameters that together look just where this one does, so that it needs no index.

    combo-code is code and component-code: to search it is to search both.
    """
    if field.type not in ("token", "quantity") or len(field.paths) < 2:
        return ()
    left = set(field.paths)
    found: list[Field] = []
    for each in fields(field.resource_type).values():
        part = each.type == field.type and 0 < len(each.paths) < len(field.paths)
        if part and left.issuperset(each.paths):
            found.append(each)
            left -= set(each.paths)
    return () if left else tuple(found)


def field_of(resource_type: str, parameter: SearchParameter) -> Field:
    """Return the parameter on one type of its base."""
    code = parameter.code
    prefix = f"{resource_type}.{code}"
    paths, evaluated = _paths(resource_type, parameter.expression)
    return Field(
        resource_type=resource_type,
        code=code,
        type=_OWN_TYPES.get(code, parameter.type),
        targets=parameter.targets,
        paths=paths,
        prefix=prefix,
        param=param_id(resource_type, code),
        present=fact("present", prefix),
        compartments=frozenset(
            name for name in facts.compartments() if code in facts.membership(name, resource_type)
        ),
        components=parameter.components,
        expression=evaluated,
    )


def _paths(resource_type: str, expression: str) -> tuple[tuple[Path, ...], str]:
    """Return the paths, or the expression itself when they cannot say it."""
    try:
        return (compile_paths(resource_type, expression) if expression else ()), ""
    except UnsupportedExpressionError:
        return (), expression


@cache
def own_compartment(resource_type: str) -> bool:
    """Tell whether a resource of the type is a member of a compartment of its own."""
    return resource_type in facts.compartments() and facts.SELF in facts.membership(
        resource_type, resource_type
    )
