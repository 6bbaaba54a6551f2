"""Operations, one file each, in one table. https://hl7.org/fhir/R4/operations.html"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from fhir_server.operations import reindex, scheduling
from fhir_server.operations.asked import Asked
from fhir_server.operations.everything import everything
from fhir_server.operations.meta import meta, meta_add, meta_delete
from fhir_server.operations.validate import validate
from fhir_server.operations.versions import versions
from fhir_server.repository import Repository

_DEFINITION = "http://hl7.org/fhir/OperationDefinition/"
_OURS = "urn:medconsult:operation:"


@dataclass(frozen=True, slots=True)
class Operation:
    code: str
    definition: str
    run: Callable[[Repository, Asked], bytes]
    """Returns the text of the resource to answer with."""
    levels: frozenset[str]
    """Of system, type and instance."""
    types: frozenset[str] = frozenset()
    """The types it is for; empty for all."""
    changes: bool = False
    """Changes something: not for GET, and in a transaction of its own."""
    guarded: bool = False
    """Only for roles that name it among their operations."""

    def serves(self, level: str, type_: str) -> bool:
        return level in self.levels and (level == "system" or not self.types or type_ in self.types)


_TYPE = frozenset({"type"})
_INSTANCE = frozenset({"instance"})
_APPOINTMENT = frozenset({"Appointment"})

OPERATIONS: Sequence[Operation] = (
    Operation(
        "versions", _DEFINITION + "CapabilityStatement-versions", versions, frozenset({"system"})
    ),
    Operation(
        "validate", _DEFINITION + "Resource-validate", validate, frozenset({"type", "instance"})
    ),
    Operation("meta", _DEFINITION + "Resource-meta", meta, _INSTANCE),
    Operation("meta-add", _DEFINITION + "Resource-meta-add", meta_add, _INSTANCE, changes=True),
    Operation(
        "meta-delete", _DEFINITION + "Resource-meta-delete", meta_delete, _INSTANCE, changes=True
    ),
    Operation(
        "everything",
        _DEFINITION + "Patient-everything",
        everything,
        _INSTANCE,
        frozenset({"Patient"}),
    ),
    Operation(
        "everything",
        _DEFINITION + "Encounter-everything",
        everything,
        _INSTANCE,
        frozenset({"Encounter"}),
    ),
    Operation(
        "reindex",
        _OURS + "reindex",
        reindex.start,
        frozenset({"system", "instance"}),
        frozenset({"SearchParameter"}),
        changes=True,
        guarded=True,
    ),
    Operation(
        "reindex-status",
        _OURS + "reindex-status",
        reindex.status,
        frozenset({"system", "instance"}),
        frozenset({"SearchParameter"}),
        guarded=True,
    ),
    Operation("find", _OURS + "find", scheduling.find, _TYPE, _APPOINTMENT),
    *(
        Operation(code, _OURS + code, run, _TYPE, _APPOINTMENT, changes=True)
        for code, run in (("hold", scheduling.hold), ("wait", scheduling.wait))
    ),
    *(
        Operation(code, _OURS + code, run, _INSTANCE, _APPOINTMENT, changes=True)
        for code, run in (
            ("confirm", scheduling.confirm),
            ("reschedule", scheduling.reschedule),
            ("cancel", scheduling.cancel),
            ("mark", scheduling.mark),
        )
    ),
)
