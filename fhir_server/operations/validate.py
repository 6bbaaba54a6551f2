"""$validate: what would be said if this were stored. https://hl7.org/fhir/R4/resource-operation-validate.html"""

from __future__ import annotations

from fhir_server import codec, validation
from fhir_server.codec import Resource
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
    issues = (_deletion if mode == "delete" else _stored)(repository, asked)
    return codec.encode(outcome(issues or [_FINE]))


def _stored(repository: Repository, asked: Asked) -> list[Issue]:
    resource = _content(repository, asked)
    issues = _of_type(resource, asked.type, asked.text("mode"))
    sound = not any(each.severity == "error" for each in issues)
    for url in asked.values("profile"):
        issues += _of_profile(resource, str(url), sound)
    return issues


def _of_profile(resource: Resource, url: str, sound: bool) -> list[Issue]:
    """Return what does not meet a profile; nothing more when the resource is not even R4."""
    profile = profiles().get(url)
    if profile is None:
        said = f"The profile {url} is not known here and was not checked."
        return [Issue("not-supported", said, severity="warning")]
    return list(problems(resource, profile)) if sound else []


def _content(repository: Repository, asked: Asked) -> Resource:
    """Return what was sent to be validated, or what the address names."""
    sent = asked.resource("resource")
    if sent is not None:
        return sent
    if asked.id:
        stored = repository.read(asked.type, asked.id)
        resource: Resource = codec.decode((stored.content or "").encode())
        return resource
    raise InvalidParameter(
        "Send the resource to validate, alone or as parameter resource.", "resource"
    )


def _of_type(resource: Resource, type_: str, mode: str | None) -> list[Issue]:
    if type_ and resource.get("resourceType") != type_:
        said = f"This address validates {type_}; the resource is another type."
        return [Issue("invalid", said, "resourceType")]
    issues = list(validation.validate(resource))
    if mode == "update" and not resource.get("id"):
        issues.append(Issue("required", "An update needs an id in the resource.", f"{type_}.id"))
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
