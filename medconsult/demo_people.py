"""Accounts to try things out with, and the demo app; only beside the demo records of a new database."""

from __future__ import annotations

import secrets

from sqlalchemy import Connection

from medconsult.demo_practice import ZONE
from smart_auth import accounts, clients
from smart_auth.auth import Auth
from smart_auth.demo_app import CLIENT_ID, PATH, SCOPE
from ui import preferences

ACCOUNTS = (
    ("anna@demo.example", "patient", "Patient/demo-anna", "Anna Brandt"),
    ("elif@demo.example", "related-person", "RelatedPerson/demo-elif", "Elif Demir"),
    ("osei@demo.example", "practitioner", "Practitioner/demo-osei", "Dr. Grace Osei"),
    ("admin@demo.example", "administrator", "Person/demo-admin", "Nii Quaye"),
)


def make(auth: Auth) -> str:
    """Make the accounts and register the demo app; returns the accounts' password."""
    password = secrets.token_urlsafe(9)
    with auth.engine.begin() as connection:
        for email, role, user, name in ACCOUNTS:
            made = accounts.create(
                connection, email, role, user, name, password=password, verified=True
            )
            preferences.save(connection, made.id, zone=ZONE)
        _register_app(auth, connection)
    return password


def are_in(auth: Auth) -> bool:
    """Tell whether the database is a demo's: the demo app is registered with the demo people."""
    with auth.engine.connect() as connection:
        return clients.find(connection, CLIENT_ID) is not None


def _register_app(auth: Auth, connection: Connection) -> None:
    address = f"{auth.issuer}{PATH}"
    metadata = {
        "client_name": "Demo app",
        "redirect_uris": [address],
        "launch_uri": address,
        "token_endpoint_auth_method": "none",
        "scope": f"{SCOPE} user/*.rs",
    }
    clients.register(connection, metadata, demo=True, client_id=CLIENT_ID)
