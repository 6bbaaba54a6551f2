"""private_key_jwt: an app that signs a short-lived assertion with its own key.

RFC 7521, RFC 7523, https://hl7.org/fhir/smart-app-launch/STU2.2/client-confidential-asymmetric.html
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jws import JWSRegistry
from sqlalchemy.dialects.postgresql import insert

from smart_auth import clients, expiry, jwks
from smart_auth.auth import Auth
from smart_auth.clients import Client
from smart_auth.errors import OAuthError, invalid_client
from smart_auth.forms import Form
from smart_auth.jwks import BadKeys, Key
from smart_auth.metadata import is_loopback
from smart_auth.tables import assertion as used_assertion

TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
LONGEST = 300
"""Seconds from now to exp."""
SKEW = 10
"""Seconds that the app's clock may differ from ours."""
_TYPES = frozenset({"jwt", "client-authentication+jwt"})
_LONGEST_JTI = 255
_LONGEST_HEADER = 16_000
"""Characters; some apps send their certificates along, which nobody reads."""


def authenticate(auth: Auth, form: Form) -> Client:
    """Return the app that signed the assertion; OAuthError invalid_client when anything is amiss."""
    if form.get("client_assertion_type") != TYPE:
        raise invalid_client(f"client_assertion_type has to be {TYPE}.")
    text = form.get("client_assertion", "")
    header, claims = _read(text)
    client = _client(auth, claims, form)
    _verify(auth, client, text, header)
    _check(auth, claims)
    _use(auth, client, claims)
    return client


def _read(text: str) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """Return header and claims, of which nothing is proved yet."""
    try:
        parts = jws.extract_compact(text.encode(), registry=_registry(*jwks.ALGORITHMS))
        claims = json.loads(parts.payload)
    except (JoseError, ValueError, RecursionError, TypeError, KeyError) as error:
        raise invalid_client("client_assertion is not a JWT that can be read.") from error
    header = parts.headers()
    if not isinstance(claims, dict) or not isinstance(header, dict):
        raise invalid_client("client_assertion is not a JWT of JSON objects.")
    if header.get("alg") not in jwks.ALGORITHMS:
        raise invalid_client("client_assertion: alg has to be RS384 or ES384.")
    if str(header.get("typ", "")).lower() not in _TYPES:
        raise invalid_client("client_assertion: the header's typ has to be JWT.")
    if not isinstance(header.get("kid"), str):
        raise invalid_client("client_assertion: the header has to name the key in kid.")
    return header, claims


def _client(auth: Auth, claims: Mapping[str, Any], form: Form) -> Client:
    client_id = claims.get("sub")
    if not isinstance(client_id, str) or not _storable(client_id) or claims.get("iss") != client_id:
        raise invalid_client("client_assertion: iss and sub both have to be the client_id.")
    if form.get("client_id", client_id) != client_id:
        raise invalid_client("client_id is not the app that signed client_assertion.")
    with auth.engine.connect() as connection:
        client = clients.find(connection, client_id)
    if client is None or client.token_endpoint_auth_method != clients.ASYMMETRIC:
        raise invalid_client(f"No app {client_id} is registered here for private_key_jwt.")
    return client


def _verify(auth: Auth, client: Client, text: str, header: Mapping[str, Any]) -> None:
    if header.get("jku", client.jwks_uri) != client.jwks_uri:
        raise invalid_client("client_assertion: jku is not the jwks_uri that was registered.")
    kid, algorithm = header["kid"], header["alg"]
    try:
        known = _keys(auth, client, kid)
    except BadKeys as error:
        raise invalid_client(str(error)) from error
    named = jwks.of_kid(known, kid, algorithm)
    if not named:
        raise invalid_client(
            f"client_assertion: the app's key set has no key {kid} for {algorithm}."
        )
    if not any(_signed(text, key, algorithm) for key in named):
        raise invalid_client(f"client_assertion: the signature is not that of the key {kid}.")


def _keys(auth: Auth, client: Client, kid: str) -> Sequence[Key]:
    if client.jwks is not None:
        return jwks.usable(client.jwks)
    address, ours = urlsplit(client.jwks_uri), urlsplit(auth.issuer)
    # A server that others reach does not ask its own machine in the name of an app.
    among_ourselves = is_loopback(address.hostname) and is_loopback(ours.hostname)
    if address.scheme != "https" and not auth.options.demo and not among_ourselves:
        raise BadKeys("jwks_uri has to begin with https://.")
    return auth.jwks.keys(client.jwks_uri, kid)


def _signed(text: str, key: Key, algorithm: str) -> bool:
    try:
        jws.deserialize_compact(text, key, registry=_registry(algorithm))
    except (JoseError, ValueError):
        return False
    return True


def _registry(*algorithms: str) -> JWSRegistry:
    """Return what joserfc accepts: these algorithms, with header parameters that it does not know."""
    registry = JWSRegistry(algorithms=algorithms, strict_check_header=False)
    registry.max_header_length = _LONGEST_HEADER
    return registry


def _check(auth: Auth, claims: Mapping[str, Any]) -> None:
    now = time.time()
    audience = claims.get("aud")
    # One audience only: what names another server as well could be used there by us, and the reverse.
    named = audience[0] if isinstance(audience, list) and len(audience) == 1 else audience
    if named not in (auth.token_url, auth.issuer):
        raise invalid_client(f"client_assertion: aud has to be {auth.token_url}.")
    expires = _moment(claims, "exp")
    if expires is None or expires <= now - SKEW:
        raise invalid_client("client_assertion has expired, or has no exp. Make a new one.")
    if expires > now + LONGEST + SKEW:
        raise invalid_client("client_assertion: exp may be at most five minutes ahead.")
    for name in ("nbf", "iat"):
        if name in claims and not _reached(_moment(claims, name), now):
            raise invalid_client(f"client_assertion: {name} is in the future. Set the clock.")


def _reached(moment: float | None, now: float) -> bool:
    return moment is not None and moment <= now + SKEW


def _moment(claims: Mapping[str, Any], name: str) -> float | None:
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or abs(value) > 1e12:
        return None
    return float(value) if math.isfinite(value) else None


def _use(auth: Auth, client: Client, claims: Mapping[str, Any]) -> None:
    """Note the assertion as used, in a transaction of its own; it is refused the second time."""
    jti = claims.get("jti")
    if not isinstance(jti, str) or not 0 < len(jti) <= _LONGEST_JTI or not _storable(jti):
        raise invalid_client(
            f"client_assertion: jti has to be a string of 1 to {_LONGEST_JTI} characters."
        )
    expires = datetime.fromtimestamp(float(claims["exp"]) + 2 * SKEW, UTC)
    with auth.engine.begin() as connection:
        expiry.forget(connection, used_assertion)
        row = insert(used_assertion).values(client=client.id, jti=jti, expires=expires)
        added = connection.execute(row.on_conflict_do_nothing().returning(used_assertion.c.jti))
        if added.one_or_none() is None:
            raise _replayed()


def _storable(text: str) -> bool:
    """Tell whether PostgreSQL takes the text: no NUL, no half of a character."""
    return "\0" not in text and not any("\ud800" <= each <= "\udfff" for each in text)


def _replayed() -> OAuthError:
    return invalid_client("client_assertion was used before. Make a new one, with a new jti.")
