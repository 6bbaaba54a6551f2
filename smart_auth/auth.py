"""What the authorization server of one process holds; made by medconsult, handed to every router."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlalchemy import Engine

from fhir_server.context import Store
from smart_auth.jwks_cache import JwksCache
from smart_auth.keys import Keys


@dataclass(frozen=True, slots=True)
class Options:
    """Switches and lifetimes, in seconds."""

    registration: bool = True
    """Whether patients may make accounts by themselves."""
    dynamic_registration: bool = False
    """Whether apps may register by RFC 7591 without anybody's leave."""
    demo: bool = False
    """Whether messages are shown at /demo/mail and the demo app is there."""
    access_token: int = 300
    refresh_token: int = 90 * 86400
    code: int = 60
    session: int = 12 * 3600
    cors_origins: Sequence[str] = ("*",)
    """Sites whose scripts may use the addresses for apps, which know no cookies; "*" for all."""


@dataclass(frozen=True, slots=True)
class Auth:
    engine: Engine
    store: Store
    """The records, for the pages; nothing here reaches them but by a principal's policy."""
    keys: Keys
    issuer: str
    """The server's URL without a slash at the end: OpenID Connect's issuer."""
    fhir: str
    """The FHIR base, without a slash at the end: the audience of access tokens, `aud` and `iss` of a launch."""
    options: Options = field(default_factory=Options)
    jwks: JwksCache = field(default_factory=JwksCache, compare=False)
    """Keys of apps that give them by their address."""

    @property
    def token_url(self) -> str:
        """The token endpoint: the audience of apps' assertions."""
        return f"{self.issuer}/auth/token"

    @property
    def secure(self) -> bool:
        """Whether people come by https: cookies then have the prefix __Host-."""
        return self.issuer.startswith("https://")
