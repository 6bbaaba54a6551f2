"""Who asks, for whom, by which app. Made by whoever authenticates; `policy` says what it may do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fhir_server.access.scopes import Scope


@dataclass(frozen=True, slots=True, eq=False)
class Principal:
    """One who is known by a token, a session, or because it is a part of the server.

    Two are the same only if they are one object: whose policy it is, is asked at every request.
    """

    role: str
    """Name of a file in profiles/access: patient, practitioner, administrator, related-person, system, ..."""
    user: str = ""
    """The fhirUser, "Patient/1"; "" for a backend service."""
    name: str = ""
    """What a person may be shown as, for the audit."""
    account: str = ""
    """Id of the account; "" when there is none."""
    client: str = ""
    """client_id of the app; "" in the portal and on the command line."""
    scopes: Sequence[Scope] | None = None
    """What the app was granted; None when no app stands between (portal, jobs)."""
    patient: str = ""
    """Id of the patient in the launch context, whose compartment patient/ scopes mean."""
    token: str = ""
    """jti of the access token."""
    emergency: frozenset[str] = frozenset()
    """Ids of patients that were opened by breaking the glass, whose reason stands in the audit."""


OPEN = Principal("open", name="Everyone (--open)")
"""Of the sandbox: there is nothing it may not do."""
