"""Binary in its own content type, https://hl7.org/fhir/R4/binary.html#rest."""

from __future__ import annotations

import base64

from fhir_server import codec
from fhir_server.binary import decode
from fhir_server.codec import Body
from fhir_server.rest import headers
from fhir_server.rest.call import Call
from fhir_server.rest.web import Response
from fhir_server.storage.resources import Version

_FHIR_TYPES = (
    "application/fhir+json", "application/fhir+xml", "application/json", "application/xml", "text/json", "text/xml",
)  # fmt: skip


def sent(call: Call) -> Body:
    """Return the Binary in the body, or one made of the raw bytes."""
    content_type = call.request.header("content-type")
    named = content_type.partition(";")[0].strip().lower()
    if named in _FHIR_TYPES or not named:
        return call.sent()
    resource = {"resourceType": "Binary"} | ({"id": call.id} if call.id else {})
    context = call.request.header("x-security-context")
    security = {"securityContext": {"reference": context}} if context else {}
    text = base64.b64encode(call.request.body).decode()
    return codec.made(
        {**resource, "contentType": content_type, **security} | ({"data": text} if text else {})
    )


def raw(call: Call, version: Version) -> Response | None:
    """Return the bytes themselves unless the client asks for a FHIR format."""
    accept = call.request.header("accept")
    if any(name in accept for name in _FHIR_TYPES) or call.parameter("_format"):
        return None
    resource = codec.decode((version.content or "").encode())
    content_type = str(resource.get("contentType", "application/octet-stream"))
    return Response(
        200,
        decode(resource.get("data", "")),
        # A stored page must not run as if it were ours.
        [
            *headers.versioned(version),
            (b"x-content-type-options", b"nosniff"),
            (b"content-security-policy", b"sandbox"),
        ],
        content_type.encode("latin-1", "replace"),
    )
