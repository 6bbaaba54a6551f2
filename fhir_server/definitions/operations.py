"""The operations that R4 defines, https://hl7.org/fhir/R4/operationslist.html."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Literal

from fhir_server.definitions import tables


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of an operation."""

    name: str
    use: Literal["in", "out"]
    min: int = 0
    max: int | None = 1
    """None stands for *."""
    type: str = ""
    """FHIR type, "Any", "Type" or "Resource"; "" when it consists of parts."""
    targets: tuple[str, ...] = ()
    search_type: str = ""
    """Search parameter type of a string that is written as a search value."""
    parts: tuple[Parameter, ...] = ()


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation; `code` has no leading $."""

    url: str
    code: str
    resources: tuple[str, ...]
    """Types it is defined on; ("Resource",) for any type."""
    system: bool = False
    type: bool = False
    instance: bool = False
    affects_state: bool | None = None
    """None where the definition is silent, as all of R4's are: that alone does not allow GET."""
    parameters: tuple[Parameter, ...] = ()


@cache
def operations() -> tuple[Operation, ...]:
    """Return all operations, by code, then URL."""
    return tables.read("operations.json", tuple[Operation, ...])


@cache
def _by_code() -> Mapping[str, tuple[Operation, ...]]:
    grouped: dict[str, tuple[Operation, ...]] = {}
    for operation in operations():
        grouped[operation.code] = (*grouped.get(operation.code, ()), operation)
    return MappingProxyType(grouped)


def by_code(code: str) -> tuple[Operation, ...]:
    """Return the operations of that code, which differ by type ($apply, $submit); () when none."""
    return _by_code().get(code, ())
