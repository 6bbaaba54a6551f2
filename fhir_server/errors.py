"""What can go wrong, as one tree: each class carries its HTTP status and FHIR issue code.

https://hl7.org/fhir/R4/http.html#summary, https://hl7.org/fhir/R4/valueset-issue-type.html

    FHIRError
        Malformed 400 · InvalidParameter 400 · TooCostly 400 · Unauthorized 401 · Forbidden 403
        NotAcceptable 406 · UnsupportedMediaType 415 · TooLarge 413 · URITooLong 414
        NotFound 404 · NotSupported 404 · MethodNotAllowed 405 · Gone 410
        Conflict 409 · Duplicate 409 · PreconditionFailed 412 · MultipleMatches 412
        Invalid 422 · Unavailable 503

Raised where found; only an edge (REST, a bundle entry, the command line) turns one into an answer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class Issue:
    """One problem, as OperationOutcome.issue states it."""

    code: str
    """FHIR issue type: structure, required, value, code-invalid, invariant, not-found, ..."""
    diagnostics: str
    """A sentence that says what is wrong and what to do."""
    expression: str = ""
    """FHIRPath of the element, "Patient.name[0].given[1]"; "" where there is none."""
    severity: str = "error"
    reason: str = ""
    """For programs that have to tell one refusal from another: a code of urn:medconsult:refusal."""


@dataclass(eq=False)
class FHIRError(Exception):
    """A request that cannot be answered as asked."""

    diagnostics: str = ""
    expression: str = ""
    issues: Sequence[Issue] = ()
    """All problems found; when empty, one is made of the class and the diagnostics."""
    headers: Mapping[str, str] = field(default_factory=dict)
    reason: str = ""

    status: ClassVar[int] = 500
    code: ClassVar[str] = "exception"

    def __str__(self) -> str:
        return self.diagnostics or "; ".join(issue.diagnostics for issue in self.all_issues())

    def all_issues(self) -> Sequence[Issue]:
        made = Issue(self.code, self.diagnostics, self.expression, reason=self.reason)
        return self.issues or (made,)


class Malformed(FHIRError):
    """The body, a header or a parameter cannot be read at all."""

    status = 400
    code = "structure"


class InvalidParameter(FHIRError):
    """A parameter can be read but means nothing here."""

    status = 400
    code = "invalid"


class TooCostly(FHIRError):
    """A search that would take more of the database than one request may."""

    status = 400
    code = "too-costly"


class Unauthorized(FHIRError):
    """Nobody knows who asks: no token, or one that is not good (any more)."""

    status = 401
    code = "login"


class Forbidden(FHIRError):
    """It is known who asks, and they may not."""

    status = 403
    code = "forbidden"


class NotFound(FHIRError):
    status = 404
    code = "not-found"


class NotSupported(FHIRError):
    """The type, route or operation is not one of this server."""

    status = 404
    code = "not-supported"


class MethodNotAllowed(FHIRError):
    status = 405
    code = "not-supported"


class NotAcceptable(FHIRError):
    status = 406
    code = "not-supported"


class Conflict(FHIRError):
    status = 409
    code = "conflict"


class Gone(FHIRError):
    status = 410
    code = "deleted"


class PreconditionFailed(FHIRError):
    status = 412
    code = "conflict"


class MultipleMatches(FHIRError):
    status = 412
    code = "multiple-matches"


class TooLarge(FHIRError):
    status = 413
    code = "too-long"


class URITooLong(FHIRError):
    status = 414
    code = "too-long"


class UnsupportedMediaType(FHIRError):
    status = 415
    code = "not-supported"


class Invalid(FHIRError):
    """The resource can be read but is not valid FHIR, or breaks a rule of this server."""

    status = 422
    code = "invalid"


class Unavailable(FHIRError):
    """A part the server needs (its database) does not answer; the client may try again."""

    status = 503
    code = "transient"
