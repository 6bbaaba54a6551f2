"""A resource is held to the profiles of ours that it claims, and to those that our code relies on.

https://hl7.org/fhir/R4/profiling.html. Profiles of others that it claims are kept and not checked.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

from fhir_server.definitions.profiles import Codes, Profile, Rule, profiles
from fhir_server.errors import Issue
from fhir_server.extensions import EXTENSION, PROFILE

MARKED: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "Schedule": (f"{EXTENSION}hours", f"{PROFILE}schedule"),
        "Appointment": (f"{EXTENSION}schedule", f"{PROFILE}appointment"),
    }
)
"""By type the extension that makes a resource one of ours, claimed or not, and its profile."""
_FEW = 20


def applying(resource: Mapping[str, Any]) -> list[Profile]:
    """Return our profiles that a valid R4 resource has to meet."""
    known = profiles()
    meta = resource.get("meta")
    claimed = meta.get("profile", ()) if meta else ()
    urls = [url for url in claimed if url in known]
    marked = MARKED.get(resource["resourceType"])
    if marked and any(each["url"] == marked[0] for each in resource.get("extension", ())):
        urls.append(marked[1])
    return [known[url] for url in dict.fromkeys(urls)]


def problems(resource: Mapping[str, Any], profile: Profile, path: str = "") -> Iterator[Issue]:
    """Yield what of a valid R4 resource does not meet the profile."""
    where = path or str(resource["resourceType"])
    if resource["resourceType"] != profile.type:
        sentence = f"{profile.url} is a profile of {profile.type}."
        yield Issue("structure", sentence, f"{where}.meta.profile")
        return
    yield from _within(resource, profile.root, where, profile.url)


def _within(value: Mapping[str, Any], rule: Rule, where: str, url: str) -> Iterator[Issue]:
    for each in rule.within:
        yield from _element(value, each, where, url)


def _element(parent: Mapping[str, Any], rule: Rule, where: str, url: str) -> Iterator[Issue]:
    key, value = _found(parent, rule)
    place = f"{where}.{key}"
    values = value if isinstance(value, list) else [] if value is None else [value]
    if len(values) < rule.least:
        many = f"at least {rule.least}" if rule.least > 1 else "one"
        yield Issue(
            "required", f"{url}: {many} of {rule.name} is needed; {len(values)} given.", place
        )
    if len(values) > rule.most:
        yield Issue("structure", f"{url}: {rule.most} of {rule.name} at most.", place)
    if values and rule.types and not any(key == rule.name + _capital(each) for each in rule.types):
        kinds = " or ".join(rule.name + _capital(each) for each in rule.types)
        yield Issue("structure", f"{url}: write {kinds}, not {key}.", place)
    for number, each in enumerate(values):
        at = f"{place}[{number}]" if isinstance(value, list) else place
        yield from _value(each, rule, at, url)


def _value(value: Any, rule: Rule, where: str, url: str) -> Iterator[Issue]:
    if rule.pattern is not None and not _contains(value, rule.pattern):
        yield Issue("value", f"{url}: it has to be, or to contain, {rule.pattern}.", where)
    if rule.fixed is not None and value != rule.fixed:
        yield Issue("value", f"{url}: it has to be {rule.fixed} and nothing more.", where)
    if rule.codes is not None and not _is_bound(value, rule.codes):
        yield Issue("code-invalid", f"{url}: {_advice(rule)}", where)
    if isinstance(value, Mapping):
        yield from _within(value, rule, where, url)


def _found(parent: Mapping[str, Any], rule: Rule) -> tuple[str, Any]:
    """Return the element's key and value, of a choice of types the one that is there; value None for none."""
    name = rule.name
    if not rule.choice:
        return name, parent.get(name)
    for key, value in parent.items():
        if key.startswith(name) and key[len(name) : len(name) + 1].isupper():
            return key, value
    return name, None


def _capital(type_: str) -> str:
    return type_[:1].upper() + type_[1:]


def _contains(value: Any, pattern: Any) -> bool:
    """Tell whether all of a pattern is in a value: https://hl7.org/fhir/R4/elementdefinition.html."""
    if isinstance(pattern, Mapping):
        return isinstance(value, Mapping) and all(
            key in value and _contains(value[key], each) for key, each in pattern.items()
        )
    if isinstance(pattern, list):
        return isinstance(value, list) and all(
            any(_contains(one, each) for one in value) for each in pattern
        )
    return bool(value == pattern)


def _is_bound(value: Any, codes: Codes) -> bool:
    if isinstance(value, str):
        return any(known is None or value in known for known in codes.values())
    codings = value.get("coding", []) if "coding" in value or "text" in value else [value]
    return any(_is_in(each, codes) for each in codings)


def _is_in(coding: Mapping[str, Any], codes: Codes) -> bool:
    system = coding.get("system", "")
    known = codes.get(system, frozenset())
    return "code" in coding and (known is None or coding["code"] in known)


def _advice(rule: Rule) -> str:
    listed = [
        f"{system}|{code}"
        for system, known in (rule.codes or {}).items()
        for code in (sorted(known) if known else ["..."])
    ]
    return f"{rule.name} needs a code of {rule.value_set}: {', '.join(listed[:_FEW])}."
