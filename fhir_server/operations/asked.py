"""What an operation is asked: its address and its parameters, from the query or a Parameters resource.

https://hl7.org/fhir/R4/operations.html#executing
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fhir_server.codec import Resource


@dataclass(frozen=True, slots=True)
class Asked:
    type: str
    id: str
    query: Sequence[tuple[str, str]]
    body: Resource | None
    base: str
    page: int

    def parts(self) -> list[Resource]:
        """Return the entries of the Parameters resource; [] when the body is something else."""
        if self.body is None or self.body.get("resourceType") != "Parameters":
            return []
        listed = self.body.get("parameter", [])
        return (
            [part for part in listed if isinstance(part, dict)] if isinstance(listed, list) else []
        )

    def values(self, name: str) -> list[object]:
        """Return the values of a primitive or datatype parameter, the query's first."""
        found: list[object] = [value for key, value in self.query if key == name]
        for part in self.parts():
            if part.get("name") == name:
                found += [value for key, value in part.items() if key.startswith("value")]
        return found

    def text(self, name: str) -> str | None:
        found = self.values(name)
        return str(found[0]) if found else None

    def resource(self, name: str) -> Resource | None:
        """Return the parameter's resource, or the body when it is not a Parameters resource."""
        if self.body is not None and self.body.get("resourceType") != "Parameters":
            return self.body
        for part in self.parts():
            if part.get("name") == name and isinstance(part.get("resource"), dict):
                resource: Resource = part["resource"]
                return resource
        return None
