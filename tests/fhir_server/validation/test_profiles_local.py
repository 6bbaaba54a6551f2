"""Each profile of ours holds for what our code makes, and each of its demands refuses what lacks it."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from datetime import UTC, date, datetime
from functools import cache
from typing import Any

import pytest

from billing import books
from billing.provider import Payment
from fhir_server import validation
from fhir_server.definitions.profiles import FILE, Profile, Rule, profiles, read
from fhir_server.extensions import PROFILE
from fhir_server.scheduling import slots
from fhir_server.scheduling.appointments import cancelled_for
from fhir_server.scheduling.offer import offer_of
from fhir_server.validation.profiles import problems
from medconsult.demo import demo_records
from smart_auth.accounts import Account
from tests.fhir_server.scheduling import offers
from tests.fhir_server.validation.test_profiles import appointment, document, prescription
from ui import telling

Resource = dict[str, Any]
NOW = datetime(2026, 11, 26, 9, tzinfo=UTC)


def account() -> Account:
    unused = dict.fromkeys(Account.__slots__)
    told: dict[str, Any] = unused | {"fhir_user": "Patient/ada", "name": "Ada"}
    return Account(**told)


@cache
def made() -> dict[str, Resource]:
    """Return what our code makes by the profile's short name, with what it only makes sometimes."""
    found = {
        url.removeprefix(PROFILE): each
        for each in demo_records(date(2026, 11, 25))
        for url in each.get("meta", {}).get("profile", [])
    }
    photo = {"contentType": "image/jpeg", "url": "Binary/1"}
    payment = Payment("p1", "a1", 4000, "EUR", "Video consultation")
    visit = appointment() | {"id": "a1", "status": "cancelled"}
    return {
        **found,
        "practitioner": found["practitioner"] | {"photo": [photo]},
        "appointment": visit | {"cancelationReason": cancelled_for("expired")},
        "slot": slots._slot(offer_of(offers.schedule()), NOW),
        "document": document(),
        "prescription": prescription(),
        "invoice": books._invoice(payment, "Patient/ada", "2026-11-26"),
        "notice": telling._communication("Your visit", "patient", account(), visit),
    }


Path = tuple[str, ...]


def below(rule: Rule, path: Path = ()) -> Iterator[tuple[Path, Rule]]:
    for each in rule.within:
        yield (*path, each.name), each
        yield from below(each, (*path, each.name))


def key_of(value: Resource, name: str) -> str:
    """Return the key of an element, also of a choice of types."""
    return name if name in value else next(key for key in value if key.startswith(name))


def within(resource: Resource, path: Path) -> tuple[Resource, str]:
    """Return what holds the element, the first where it repeats, and the place of that."""
    value, place = resource, str(resource["resourceType"])
    for name in path[:-1]:
        key = key_of(value, name)
        inner = value[key]
        place += f".{key}[0]" if isinstance(inner, list) else f".{key}"
        value = inner[0] if isinstance(inner, list) else inner
    return value, place


def other(value: Any) -> Any:
    """Return a value of the same shape that no profile asks for."""
    if isinstance(value, list):
        return [other(each) for each in value]
    return {"text": "nonsense"} if isinstance(value, dict) else "nonsense"


def said(resource: Resource, name: str) -> list[tuple[str, str]]:
    found = problems(resource, profiles()[f"{PROFILE}{name}"])
    return [(each.expression, each.code) for each in found]


def name_of(profile: Profile) -> str:
    return profile.url.removeprefix(PROFILE)


RULES = [
    (name_of(each), path, rule) for each in profiles().values() for path, rule in below(each.root)
]
DEMANDS = [(name, path) for name, path, rule in RULES if rule.least]
VALUES = [
    (name, path, "value" if rule.pattern else "code-invalid")
    for name, path, rule in RULES
    if rule.pattern or rule.codes
]
CHOICES = [(name, path) for name, path, rule in RULES if rule.types]
ONCE = [
    (name, path)
    for name, path, rule in RULES
    if rule.most == 1 and isinstance(within(made()[name], path)[0].get(path[-1]), list)
]


@pytest.mark.parametrize("name", [name_of(each) for each in profiles().values()])
def test_what_our_code_makes_meets_its_profile(name: str) -> None:
    resource = made()[name]
    assert validation.validate(resource) == []
    assert list(problems(resource, profiles()[f"{PROFILE}{name}"])) == []


@pytest.mark.parametrize(("name", "path"), DEMANDS, ids=str)
def test_what_lacks_something_demanded_is_refused_at_its_place(name: str, path: Path) -> None:
    resource = copy.deepcopy(made()[name])
    holder, place = within(resource, path)
    del holder[key_of(holder, path[-1])]
    assert (f"{place}.{path[-1]}", "required") in said(resource, name)


@pytest.mark.parametrize(("name", "path", "code"), VALUES, ids=str)
def test_another_value_or_code_is_refused_at_its_place(name: str, path: Path, code: str) -> None:
    resource = copy.deepcopy(made()[name])
    holder, place = within(resource, path)
    holder[path[-1]] = other(holder[path[-1]])
    at = "[0]" if isinstance(holder[path[-1]], list) else ""
    assert (f"{place}.{path[-1]}{at}", code) in said(resource, name)


@pytest.mark.parametrize(("name", "path"), CHOICES, ids=str)
def test_another_type_of_a_choice_is_refused_at_its_place(name: str, path: Path) -> None:
    resource = copy.deepcopy(made()[name])
    holder, place = within(resource, path)
    holder[f"{path[-1]}Other"] = holder.pop(key_of(holder, path[-1]))
    assert (f"{place}.{path[-1]}Other", "structure") in said(resource, name)


@pytest.mark.parametrize(("name", "path"), ONCE, ids=str)
def test_what_may_be_there_once_is_refused_twice(name: str, path: Path) -> None:
    resource = copy.deepcopy(made()[name])
    holder, place = within(resource, path)
    holder[path[-1]].append(holder[path[-1]][0])
    assert (f"{place}.{path[-1]}", "structure") in said(resource, name)


def test_a_profile_of_ours_that_is_not_known_is_kept_and_not_checked() -> None:
    resource = document() | {"meta": {"profile": [f"{PROFILE}nothing"]}}
    del resource["author"]
    assert validation.validate(resource) == []


def defined(*elements: Resource) -> Profile:
    url = f"{PROFILE}made-up"
    definition = {
        "resourceType": "StructureDefinition",
        "url": url,
        "type": "Basic",
        "differential": {"element": list(elements)},
    }
    return read([definition])[url]


CODE = {"coding": [{"system": "urn:a", "code": "b"}]}


def test_a_pattern_is_contained_and_a_fixed_value_is_all_there_is() -> None:
    exact = {"resourceType": "Basic", "code": CODE}
    more = {"resourceType": "Basic", "code": CODE | {"text": "b"}}
    pattern = defined({"path": "Basic.code", "patternCodeableConcept": CODE})
    fixed = defined({"path": "Basic.code", "fixedCodeableConcept": CODE})
    assert list(problems(exact, pattern)) == list(problems(more, pattern)) == []
    assert list(problems(exact, fixed)) == []
    (issue,) = problems(more, fixed)
    assert (issue.expression, issue.code) == ("Basic.code", "value")


def test_only_a_required_binding_refuses_and_its_value_set_has_to_be_here() -> None:
    binding = {"strength": "preferred", "valueSet": "urn:elsewhere"}
    preferred = defined({"path": "Basic.code", "binding": binding})
    assert list(problems({"resourceType": "Basic", "code": CODE}, preferred)) == []
    with pytest.raises(KeyError):
        defined({"path": "Basic.code", "binding": binding | {"strength": "required"}})


def test_every_definition_of_ours_is_listed_once() -> None:
    urls = [entry["resource"]["url"] for entry in json.loads(FILE.read_bytes())["entry"]]
    assert len(urls) == len(set(urls))
    assert made().keys() == {name_of(each) for each in profiles().values()}
