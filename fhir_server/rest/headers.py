"""Headers that carry meaning: ETag, If-*, Prefer, Last-Modified. https://hl7.org/fhir/R4/http.html#general"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from functools import lru_cache

from fhir_server.errors import Malformed
from fhir_server.preconditions import ANY_VERSION
from fhir_server.storage.resources import Version

_ETAG = re.compile(r'(?:W/)?"([^"]*)"')


def etag(version: int) -> tuple[bytes, bytes]:
    return (b"etag", b'W/"%d"' % version)


@lru_cache(maxsize=4096)
def _http_date(second: int) -> bytes:
    return format_datetime(datetime.fromtimestamp(second, UTC), usegmt=True).encode()


def last_modified(moment: datetime) -> tuple[bytes, bytes]:
    return (b"last-modified", _http_date(int(moment.timestamp())))


def versioned(version: Version) -> list[tuple[bytes, bytes]]:
    return [etag(version.version), last_modified(version.last_updated)]


def if_match(header: str) -> int | None:
    """Return the version number that If-Match asks for, ANY_VERSION for *; None without the header."""
    if not header:
        return None
    if header.strip() == "*":
        return ANY_VERSION
    found = _ETAG.fullmatch(header.strip())
    number = found[1] if found else header.strip()
    if not number.isascii() or not number.isdigit() or len(number) > 9:
        raise Malformed(f'If-Match has to be of the form W/"3", not {header!r}.')
    return int(number)


def unmodified(version: Version, if_none_match: str, if_modified_since: str) -> bool:
    """Tell whether a conditional read may be answered with 304."""
    if if_none_match:
        tags = {tag.strip().removeprefix("W/").strip('"') for tag in if_none_match.split(",")}
        return "*" in tags or str(version.version) in tags
    if if_modified_since:
        try:
            since = parsedate_to_datetime(if_modified_since)
        except ValueError:
            return False  # RFC 9110 13.1.3: a date that cannot be read is to be ignored
        since = since if since.tzinfo else since.replace(tzinfo=UTC)
        return version.last_updated.replace(microsecond=0) <= since
    return False


def prefer(header: str, name: str) -> str:
    """Return the value of one preference, "" when it is not stated."""
    for part in re.split("[,;]", header):
        key, _, value = part.strip().partition("=")
        if key.lower() == name:
            return value.strip('"')
    return ""
