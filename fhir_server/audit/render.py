"""A row as AuditEvent, in the shapes of IHE's Basic Audit Log Patterns. https://profiles.ihe.net/ITI/BALP/"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any

from fhir_server.codec import Resource
from fhir_server.stamping import instant

_DICOM = "http://dicom.nema.org/resources/ontology/DCM"
_REST = "http://hl7.org/fhir/restful-interaction"
_ENTITY = "http://terminology.hl7.org/CodeSystem/audit-entity-type"
_ROLE = "http://terminology.hl7.org/CodeSystem/object-role"
_PARTICIPATION = "http://terminology.hl7.org/CodeSystem/v3-ParticipationType"

ACTIONS: Mapping[str, str] = MappingProxyType(
    {
        "create": "C",
        "read": "R",
        "vread": "R",
        "update": "U",
        "patch": "U",
        "delete": "D",
        "search-type": "E",
        "search-system": "E",
        "history-instance": "R",
        "history-type": "E",
        "history-system": "E",
    }
)
"""Of AuditEvent.action; what is not here is E, executing something."""
EXECUTED = "E"


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the table `audit`, and the ids of its patients."""

    id: int
    recorded: datetime
    role: str
    account: str
    fhir_user: str
    name: str
    client: str
    token: str
    interaction: str
    type: str
    resource_id: str
    query: str
    address: str
    request_id: str
    status: int
    patients: Sequence[str]


def outcome_of(status: int) -> str:
    """Return AuditEvent.outcome: 0 success, 4 refused or not possible, 8 a fault of ours."""
    return "0" if status < 400 else "4" if status < 500 else "8"


def rendered(row: Row, base: str) -> Resource:
    """Return the AuditEvent."""
    entities = _entities(row)
    return {
        "resourceType": "AuditEvent",
        "id": str(row.id),
        "meta": {"versionId": "1", "lastUpdated": instant(row.recorded)},
        "type": {
            "system": "http://terminology.hl7.org/CodeSystem/audit-event-type",
            "code": "rest",
        },
        "subtype": [{"system": _REST, "code": row.interaction}],
        "action": ACTIONS.get(row.interaction, EXECUTED),
        "recorded": instant(row.recorded),
        "outcome": outcome_of(row.status),
        "outcomeDesc": f"HTTP {row.status}",
        "agent": _agents(row),
        "source": {
            "observer": {"display": base},
            "type": [
                {
                    "system": "http://terminology.hl7.org/CodeSystem/security-source-type",
                    "code": "4",
                    "display": "Application Server",
                }
            ],
        },
        **({"entity": entities} if entities else {}),
    }


def _agents(row: Row) -> list[Resource]:
    network = {"network": {"address": row.address, "type": "2"}} if row.address else {}
    found: list[Resource] = []
    if row.client:
        found.append(
            {
                "type": {
                    "coding": [{"system": _DICOM, "code": "110150", "display": "Application"}]
                },
                "who": {"identifier": {"value": row.client}, "display": row.client},
                "requestor": not row.fhir_user,
                **network,
                **({"policy": [f"urn:token:{row.token}"]} if row.token else {}),
            }
        )
    if row.fhir_user or not row.client:
        who = {"reference": row.fhir_user} if row.fhir_user else {}
        found.append(
            {
                "type": {"coding": [{"system": _PARTICIPATION, "code": "IRCP"}]},
                "role": [{"text": row.role}],
                "who": {**who, "display": row.name or row.role},
                "name": row.name or row.role,
                "requestor": True,
                **({} if row.client else network),
            }
        )
    return found


def _entities(row: Row) -> list[Resource]:
    found = [_entity(f"Patient/{id_}", "1", "1", "Patient") for id_ in row.patients]
    if row.type and row.resource_id and row.type != "Patient":
        found.append(_entity(f"{row.type}/{row.resource_id}", "2", "4", "Domain Resource"))
    if row.query:
        asked = base64.b64encode(f"{row.type}?{row.query}".encode()).decode()
        found.append({**_part("2", "24", "Query"), "query": asked})
    if row.request_id:
        part = _part("4", "21", "Job Stream")
        found.append({**part, "what": {"identifier": {"value": row.request_id}}})
    return found


def _entity(reference: str, kind: str, role: str, display: str) -> Resource:
    return {"what": {"reference": reference}, **_part(kind, role, display)}


def _part(kind: str, role: str, display: str) -> dict[str, Any]:
    return {
        "type": {"system": _ENTITY, "code": kind},
        "role": {"system": _ROLE, "code": role, "display": display},
    }
