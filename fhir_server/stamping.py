"""What the server itself writes into a resource: id, version and time. https://hl7.org/fhir/R4/resource.html#Meta"""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache

from fhir_server.codec import Body, encode, join, members

STAMPED = ("resourceType", "id", "meta")


def stamp(body: Body, id_: str, version: int, updated: datetime) -> str:
    """Return the stored text: the client's own, with id, versionId and lastUpdated set by the server."""
    meta = body.resource.get("meta")
    stamped = {
        **(meta if isinstance(meta, dict) else {}),
        "versionId": str(version),
        "lastUpdated": instant(updated),
    }
    head = b'{"resourceType":"%b","id":"%b","meta":%b' % (
        body.resource["resourceType"].encode(),
        id_.encode(),
        encode(stamped),
    )
    return (head + _rest(body)).decode()


def _rest(body: Body) -> bytes:
    """Return the text after resourceType, id and meta, from the comma or brace on."""
    text, stated = (
        body.text,
        {name: body.resource[name] for name in STAMPED if name in body.resource},
    )
    # Most texts begin with just these, or end with meta, so need not be taken apart.
    if "meta" in stated and next(reversed(body.resource)) == "meta":
        end = b',"meta":%b}' % encode(stated.pop("meta"))
        text = text[: -len(end)] + b"}" if text.endswith(end) else b""
    begin = encode(stated)[:-1]
    if text.startswith(begin) and text[len(begin) : len(begin) + 1] in (b",", b"}"):
        return text[len(begin) :]
    parts = members(body.text)
    rest = join((name, text) for name, text in parts.items() if name not in STAMPED)
    return b"}" if rest == b"{}" else b"," + rest[1:]


@lru_cache(maxsize=8)
def instant(moment: datetime) -> str:
    """Format as FHIR instant in UTC with milliseconds."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"
