"""$validate: what would be said if this were stored. https://hl7.org/fhir/R4/resource-operation-validate.html"""

from __future__ import annotations

from fhir_server import codec, validation
from fhir_server.definitions.profiles import profiles
from fhir_server.errors import Conflict, InvalidParameter, Issue
from fhir_server.operations.asked import Asked
from fhir_server.outcome import outcome
from fhir_server.repository import Repository
from fhir_server.validation.profiles import problems

_MODES = (None, "create", "update", "delete", "profile")
_FINE = Issue("informational", "No problems found.", severity="information")


def validate(repository: Repository, asked: Asked) -> bytes:
    mode = asked.text("mode")
    if mode not in _MODES:
        raise InvalidParameter(
            f"mode takes create, update, delete or profile, not {mode!r}.", "mode"
        )
    issues = _deletion(repository, asked) if mode == "delete" else _content(repository, asked, mode)
    for url in asked.values("profile"):
        issues += _of_profile(asked, issues, str(url))
    return codec.encode(outcome(issues or [_FINE]))


def _of_profile(asked: Asked, found: list[Issue], url: str) -> list[Issue]:
    """Return what does not meet a profile; nothing more when the resource is not even R4."""
    profile = profiles().get(url)
    if profile is None:
        said = f"The profile {url} is not known here and was not checked."
        return [Issue("not-supported", said, severity="warning")]
    resource = asked.resource("resource")
    if resource is None or found:
        return []
    return list(problems(resource, profile))


def _content(repository: Repository, asked: Asked, mode: str | None) -> list[Issue]:
    resource = asked.resource("resource")
    if resource is None and asked.id:
        resource = codec.decode((repository.read(asked.type, asked.id).content or "").encode())
    if resource is None:
        raise InvalidParameter(
            "Send the resource to validate, alone or as parameter resource.", "resource"
        )
    if asked.type and resource.get("resourceType") != asked.type:
        return [
            Issue(
                "invalid",
                f"This address validates {asked.type}; the resource is another type.",
                "resourceType",
            )
        ]
    issues = list(validation.validate(resource))
    if mode == "update" and not resource.get("id"):
        issues.append(
            Issue("required", "An update needs an id in the resource.", f"{asked.type}.id")
        )
    return issues


def _deletion(repository: Repository, asked: Asked) -> list[Issue]:
    if not asked.id:
        raise InvalidParameter("mode=delete is for one resource: use Type/id/$validate.", "mode")
    repository.read(asked.type, asked.id)
    try:
        repository.refuse_referred(asked.type, asked.id)
    except Conflict as error:
        return list(error.all_issues())
    return []
