"""What the resources of a generated record are put together of."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from random import Random
from typing import Any
from uuid import UUID

from bench.vocabulary import TERMINOLOGY

Resource = dict[str, Any]

TODAY = datetime(2026, 6, 1, tzinfo=UTC)
META = {"tag": [{"system": "https://example.org/tags", "code": "generated"}]}


@dataclass(frozen=True, slots=True)
class Visit:
    """One encounter, which most other resources belong to."""

    reference: str
    start: datetime
    end: datetime
    practitioner: str
    organization: str
    kind: tuple[str, str]


@dataclass(slots=True)
class Record:
    """A patient's resources while they are being made."""

    random: Random
    patient: str
    visits: list[Visit] = field(default_factory=list)
    made: dict[str, list[Resource]] = field(default_factory=dict)

    def new(self, kind: str) -> Resource:
        return {"resourceType": kind, "id": new_id(self.random)}

    def subject(self) -> Resource:
        return {"reference": self.patient}

    def of(self, kind: str) -> list[Resource]:
        return self.made.get(kind, [])


def new_id(random: Random) -> str:
    return str(UUID(int=random.getrandbits(128), version=4))


def coded(system: str, code: str, display: str) -> Resource:
    return {"coding": [{"system": system, "code": code, "display": display}], "text": display}


def plain(system: str, code: str) -> Resource:
    return {"coding": [{"system": TERMINOLOGY + system, "code": code}]}


def written(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S+00:00")
