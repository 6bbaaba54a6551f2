"""The launch context: which patient and encounter an app is opened for.

https://hl7.org/fhir/smart-app-launch/STU2.2/scopes-and-launch-context.html#scopes-for-requesting-context-data
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, func, insert, update

from fhir_server.access.scopes import parse_all
from smart_auth import expiry, granted_scope
from smart_auth.accounts import Refused
from smart_auth.asked import Asked, Redirect
from smart_auth.auth import Auth
from smart_auth.errors import OAuthError
from smart_auth.hashes import digest, fresh
from smart_auth.record import encounters, patient
from smart_auth.sessions import Signed
from smart_auth.tables import launch
from smart_auth.wording import later

LAUNCH_S = 300
"""How long a launch waits for its app."""
TEXTS = ("patient", "encounter", "intent", "tenant")
STYLE = "/auth/style.json"


def begin(
    auth: Auth,
    connection: Connection,
    signed: Signed,
    wanted: Mapping[str, Any],
    client_id: str = "",
) -> str:
    """Return the opaque launch value for what is wanted of the context; Refused in a sentence."""
    context = _checked(auth, signed, wanted)
    expiry.forget(connection, launch)
    value = fresh()
    connection.execute(
        insert(launch).values(
            hash=digest(value),
            account=signed.account.id,
            client=client_id or None,
            context=context,
            expires=func.clock_timestamp() + timedelta(seconds=LAUNCH_S),
        )
    )
    return value


def _checked(auth: Auth, signed: Signed, wanted: Mapping[str, Any]) -> dict[str, Any]:
    context = {name: wanted[name] for name in TEXTS if wanted.get(name)}
    for name, value in context.items():
        if not isinstance(value, str) or len(value) > 200:
            raise Refused(f"{name} has to be a text of at most 200 characters.", name)
    if "patient" in context and patient(auth, signed, context["patient"]) is None:
        raise Refused(later("There is no such patient among those that you may see."), "patient")
    if "encounter" in context and not encounters(
        auth, signed, context.get("patient", ""), context["encounter"]
    ):
        raise Refused(later("There is no such encounter of this patient."), "encounter")
    more = wanted.get("fhirContext")
    if more is not None:
        if not isinstance(more, list) or not all(isinstance(each, dict) for each in more):
            raise Refused("fhirContext has to be a list of objects with a reference each.", "")
        context["fhirContext"] = more
    if wanted.get("need_patient_banner") is False:
        context["need_patient_banner"] = False
    return context


def opened(connection: Connection, asked: Asked, signed: Signed) -> Mapping[str, Any]:
    """Return the context of the launch value that an app brings; it is good once, for its user and app."""
    fits = launch.c.client.is_(None) | (launch.c.client == asked.client)
    row = connection.execute(
        update(launch)
        .where(launch.c.hash == digest(asked.launch), launch.c.account == signed.account.id, fits)
        .where(launch.c.used.is_(None), launch.c.expires > func.clock_timestamp())
        .values(used=func.clock_timestamp())
        .returning(launch.c.context)
    ).one_or_none()
    if row is None:
        error = OAuthError(
            "invalid_request",
            "The launch value is not good: unknown, used, expired, of another app or another person.",
        )
        raise Redirect(asked.redirect_uri, error, asked.state)
    return dict(row.context)


def needs_patient(asked: Asked) -> bool:
    """Tell whether what is asked for means one patient."""
    scopes = parse_all(granted_scope.words(asked.scope))
    return asked.wants("launch/patient") or any(each.context == "patient" for each in scopes)


def needs_encounter(asked: Asked) -> bool:
    return asked.wants("launch/encounter")


def of_response(auth: Auth, context: Mapping[str, Any]) -> dict[str, Any]:
    """Return the context as the token response states it."""
    banner = {"need_patient_banner": True} if context.get("patient") else {}
    return {**banner, **context, "smart_style_url": f"{auth.issuer}{STYLE}"}
