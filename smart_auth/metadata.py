"""What an app may say of itself when it is registered: RFC 7591, section 2, with SMART's rules.

https://hl7.org/fhir/smart-app-launch/STU2.2/app-launch.html#register-app-with-ehr
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import Any
from urllib.parse import SplitResult, urlsplit

from smart_auth import granted_scope, jwks
from smart_auth.errors import OAuthError

METHODS = ("none", "client_secret_basic", "client_secret_post", "private_key_jwt")
GRANT_TYPES = ("authorization_code", "refresh_token", "client_credentials")
PAGES = ("launch_uri", "logo_uri", "client_uri", "policy_uri", "tos_uri")
_MOST = 20
_LONGEST = 2000
_LONGEST_SCOPE = 20000
DEFAULT_SCOPE = (
    "openid fhirUser profile launch launch/patient launch/encounter offline_access online_access "
    "patient/*.cruds user/*.cruds"
)


def columns(metadata: Mapping[str, Any], *, demo: bool = False) -> dict[str, Any]:
    """Return the columns of the table `client`; OAuthError says what is wrong and what to write instead.

    What is not known is ignored, as RFC 7591 wants it. demo allows http for every host.
    """
    method = _one_of(metadata, "token_endpoint_auth_method", METHODS, "client_secret_basic")
    grants = _grant_types(metadata, method)
    return {
        "name": _name(metadata),
        "token_endpoint_auth_method": method,
        "grant_types": grants,
        "redirect_uris": _redirect_uris(metadata, grants, demo),
        "scope": _scope(metadata, grants),
        "contacts": _texts(metadata, "contacts"),
        **_keys(metadata, method, demo),
        **{name: _page(metadata, name, demo) for name in PAGES},
    }


def is_loopback(host: str | None) -> bool:
    """Tell whether the host is this machine by its name or address."""
    if host is None:
        return False
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def is_safe(parts: SplitResult, *, demo: bool) -> bool:
    """Tell whether nobody on the way can read or change what is exchanged with the address."""
    if not parts.hostname:
        return False
    plain = parts.scheme == "http" and (demo or is_loopback(parts.hostname))
    return parts.scheme == "https" or plain


def _name(metadata: Mapping[str, Any]) -> str:
    name = _text(metadata, "client_name").strip()
    if not name or len(name) > 200:
        raise _wrong("client_name is what people read when they are asked: 1 to 200 characters.")
    return name


def _grant_types(metadata: Mapping[str, Any], method: str) -> list[str]:
    grants = _texts(metadata, "grant_types") or ["authorization_code", "refresh_token"]
    for grant in grants:
        if grant not in GRANT_TYPES:
            raise _wrong(f"grant_types: {grant} is not one of {', '.join(GRANT_TYPES)}.")
    if "client_credentials" in grants and method != "private_key_jwt":
        raise _wrong(
            "grant_types: client_credentials (a backend service) needs "
            "token_endpoint_auth_method private_key_jwt."
        )
    if grants == ["refresh_token"]:
        raise _wrong("grant_types: refresh_token goes with authorization_code; add that.")
    _response_types(metadata, grants)
    return list(dict.fromkeys(grants))


def _response_types(metadata: Mapping[str, Any], grants: list[str]) -> None:
    wanted = ["code"] if "authorization_code" in grants else []
    types = _texts(metadata, "response_types")
    if types and types != wanted:
        raise _wrong(f"response_types: with these grant_types write {wanted}, or leave it out.")


def _redirect_uris(metadata: Mapping[str, Any], grants: list[str], demo: bool) -> list[str]:
    uris = _texts(metadata, "redirect_uris")
    if "authorization_code" in grants and not uris:
        raise _wrong_redirect("redirect_uris: name each address that codes are sent to, whole.")
    for uri in uris:
        _check_redirect(uri, demo)
    return list(dict.fromkeys(uris))


def _check_redirect(uri: str, demo: bool) -> None:
    parts = _split(uri)
    if parts is None or "*" in uri:
        raise _wrong_redirect(
            f"redirect_uris: {uri} is no address; write it whole, without * or spaces."
        )
    if "#" in uri:
        raise _wrong_redirect(f"redirect_uris: {uri} has a fragment; leave out what begins with #.")
    if parts.username or parts.password:
        raise _wrong_redirect(f"redirect_uris: {uri} names a user before @; leave that out.")
    private_use = "." in parts.scheme  # RFC 8252, section 7.1: a domain name, reversed
    if not private_use and not is_safe(parts, demo=demo):
        raise _wrong_redirect(
            f"redirect_uris: {uri} has to begin with https://, with http:// and 127.0.0.1, [::1] or "
            "localhost, or with an app's own scheme such as org.example.app:"
        )


def _scope(metadata: Mapping[str, Any], grants: list[str]) -> str:
    text = _text(metadata, "scope")
    if not text and "authorization_code" not in grants:
        raise _wrong("scope: name what the backend service may do, for example system/Patient.rs.")
    scopes = granted_scope.words(text or DEFAULT_SCOPE)
    for scope in scopes:
        if not granted_scope.known(scope):
            raise _wrong(
                f"scope: {scope} is none of SMART App Launch 2.2; write for example "
                "patient/Observation.rs, launch/patient, openid, fhirUser or offline_access."
            )
        if scope.startswith("system/") and "client_credentials" not in grants:
            raise _wrong(f"scope: {scope} needs client_credentials in grant_types.")
    if len(text) > _LONGEST_SCOPE:
        raise _wrong(
            f"scope may have {_LONGEST_SCOPE} characters; use wildcards such as user/*.rs."
        )
    return " ".join(scopes)


def _keys(metadata: Mapping[str, Any], method: str, demo: bool) -> dict[str, Any]:
    inline, uri = metadata.get("jwks"), _text(metadata, "jwks_uri")
    if method != "private_key_jwt":
        return {"jwks": None, "jwks_uri": ""}
    if (inline is None) == (not uri):
        raise _wrong("private_key_jwt needs either jwks_uri (better) or jwks, not both.")
    if uri:
        return {"jwks": None, "jwks_uri": _page(metadata, "jwks_uri", demo)}
    try:
        jwks.usable(inline)
    except jwks.BadKeys as error:
        raise _wrong(f"jwks: {error}") from error
    return {"jwks": inline, "jwks_uri": ""}


def _page(metadata: Mapping[str, Any], name: str, demo: bool) -> str:
    uri = _text(metadata, name)
    parts = _split(uri) if uri else None
    if uri and (parts is None or not is_safe(parts, demo=demo)):
        raise _wrong(f"{name}: {uri} has to begin with https:// (http:// only for 127.0.0.1).")
    return uri


def _split(uri: str) -> SplitResult | None:
    """Return the parts of an absolute URI; None when it is none."""
    if (
        len(uri) > _LONGEST
        or not uri.isascii()
        or any(each <= " " or each in '<>"\\^`{|}' for each in uri)
    ):
        return None
    try:
        parts = urlsplit(uri)
        _ = parts.port
    except ValueError:
        return None
    return parts if parts.scheme and (parts.netloc or parts.path) else None


def _one_of(metadata: Mapping[str, Any], name: str, known: tuple[str, ...], default: str) -> str:
    value = _text(metadata, name) or default
    if value not in known:
        raise _wrong(f"{name}: {value} is not one of {', '.join(known)}.")
    return value


def _text(metadata: Mapping[str, Any], name: str) -> str:
    value = metadata.get(name)
    if value is not None and not isinstance(value, str):
        raise _wrong(f"{name} has to be a string.")
    return value or ""


def _texts(metadata: Mapping[str, Any], name: str) -> list[str]:
    value = metadata.get(name)
    if value is None:
        return []
    if not isinstance(value, list | tuple) or not all(isinstance(each, str) for each in value):
        raise _wrong(f"{name} has to be a list of strings.")
    if len(value) > _MOST:
        raise _wrong(f"{name} may have {_MOST} values.")
    return list(value)


def _wrong(description: str) -> OAuthError:
    return OAuthError("invalid_client_metadata", description)


def _wrong_redirect(description: str) -> OAuthError:
    return OAuthError("invalid_redirect_uri", description)
