"""If-Match: whether the version that a client knows is still the current one. https://hl7.org/fhir/R4/http.html#concurrency"""

from __future__ import annotations

from fhir_server.errors import PreconditionFailed
from fhir_server.storage.resources import Version

ANY_VERSION = 0  # If-Match: * asks that there is one


def check_match(current: Version, if_match: int | None) -> None:
    if if_match == ANY_VERSION and current.content is None:
        raise PreconditionFailed(
            f"If-Match asks for {current.type}/{current.id}, which was deleted."
        )
    if if_match and current.version != if_match:
        raise PreconditionFailed(
            f"If-Match names version {if_match}, but the current version is {current.version}; "
            "read it again and repeat the change on it.",
            headers={"ETag": f'W/"{current.version}"'},
        )
