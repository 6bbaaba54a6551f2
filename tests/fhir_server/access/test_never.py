"""No answer to anyone ever holds a resource that the rules, read plainly, deny them.

The rules are read here a second time, over plain JSON and without any index: a resource is allowed
when some rule and some scope fit, and it names a patient of theirs where the rule asks for one.
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fhir_server.access.principal import OPEN, Principal
from tests.fhir_server.access.practice import (
    ADA,
    ADMIN,
    CATEGORY,
    CLEO,
    DOCTORS,
    LIND,
    MIA,
    OSEI,
    Door,
    app_of,
    service,
)
from tests.http import a_bundle, entry

RULES = Path(__file__).parents[3] / "profiles" / "access"
TYPES = ["Observation", "Patient", "Encounter", "DocumentReference", "List", "Provenance", "Binary"]
TYPES += ["Practitioner", "Organization", "RelatedPerson"]
SCOPES = [
    "patient/*.rs",
    "patient/Observation.rs",
    f"patient/Observation.rs?category={CATEGORY}|laboratory",
    "patient/Patient.r",
    "patient/Encounter.s",
    "user/*.rs",
    "user/Observation.r",
    "user/List.read",
    "user/Practitioner.rs",
    "patient/Provenance.rs",
    "system/*.rs",
    "system/Observation.s",
]
PEOPLE = [ADA, CLEO, MIA, OSEI, LIND, ADMIN]
OWN = {
    "Patient/ada": {"ada"},
    "Patient/cleo": {"cleo"},
    "RelatedPerson/mia": {"ben"},
    **{
        f"Practitioner/{doctor}": {name for name, own in DOCTORS.items() if own == doctor}
        for doctor in ("osei", "lind")
    },
}


def principals() -> st.SearchStrategy[Principal]:
    scopes = st.lists(st.sampled_from(SCOPES), min_size=1, max_size=4).map(" ".join)
    launched = st.sampled_from(["", "ada", "ben", "cleo"])
    people = st.sampled_from(PEOPLE)
    return st.one_of(
        people, st.builds(app_of, people, scopes, launched), st.builds(service, scopes)
    )


def searches() -> st.SearchStrategy[str]:
    kind = st.sampled_from(TYPES)
    conditions = st.sampled_from(
        [
            "",
            "_lastUpdated=gt2000-01-01",
            "_id=ada,visit-ada,laboratory-ada,laboratory-cleo,list-ben,cleo,mia",
            "_sort=-_lastUpdated",
            "_count=2",
            "_total=accurate",
            "_include=*",
            "_revinclude=*&_revinclude:iterate=Provenance:target",
            "_include:iterate=*&_revinclude=Observation:subject",
        ]
    )
    asked = st.lists(conditions, max_size=3).map(lambda some: "&".join(filter(None, some)))
    return st.one_of(
        st.builds("{}?{}".format, kind, asked),
        st.builds("{}/_history?{}".format, kind, st.just("_count=100")),
        st.builds("?{}".format, asked),
        st.just("_history?_count=1000"),
        st.sampled_from([f"Patient/{name}/$everything" for name in ("ada", "ben", "cleo")]),
        st.sampled_from([f"Patient/{name}/*" for name in ("ada", "ben", "cleo")]),
        st.sampled_from(["Observation/laboratory-ada", "Binary/scan-cleo", "Patient/ben"]),
        st.sampled_from(["Observation/laboratory-ada/_history/1", "List/list-cleo/_history"]),
    )


@given(principals(), st.lists(searches(), min_size=1, max_size=3))
@settings(
    max_examples=250,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_no_answer_holds_what_is_denied(door: Door, who: Principal, asked: list[str]) -> None:
    client = door.as_(who)
    answers = [client.get(path, accept="application/fhir+json") for path in asked]
    answers.append(client.batch(*(entry("GET", path.lstrip("?")) for path in asked)))
    for answer in answers:
        assert answer.status < 500, answer.body
        denied = [name for name, resource in shown(answer.json) if not allowed(who, resource)]
        assert denied == [], (who, asked)


WHOSE = [
    "",
    "patient=ada",
    "patient=ben",
    "patient=cleo,ben",
    "patient=nobody",
    "_id=ada,visit-ada",
]
WHOSE += ["patient=Patient/cleo", "subject=Patient/ada", "subject=ben", "subject:Patient=cleo"]
WHOSE += [
    "subject=Patient/ada&subject=Patient/ben",
    "subject:missing=false",
    "_id=cleo",
    "link=Patient/ada",
]


LAUNCHED = [
    app_of(OSEI, scopes, patient)
    for scopes in ("user/*.rs", "patient/*.rs", "patient/*.rs user/Encounter.rs")
    for patient in ("ada", "ben", "cleo")
]


@pytest.mark.parametrize("who", [*PEOPLE, *LAUNCHED])
def test_a_search_finds_all_that_is_allowed(door: Door, who: Principal) -> None:
    for kind, whose in itertools.product(TYPES, WHOSE):
        path = f"{kind}?{whose}&_count=1000"
        every = door.as_(OPEN).get(path)
        if every.status == 400:  # the type has no such parameter
            continue
        found = door.as_(who).get(path)
        names = {name for name, _ in shown(found.json)} if found.status == 200 else set()
        expected = {name for name, each in shown(every.json) if allowed(who, each, "s")}
        assert names == expected, path


def test_the_reading_here_denies_and_allows(door: Door) -> None:
    kept = door.client.get("Observation/laboratory-ada").json
    assert allowed(ADA, kept)
    assert allowed(app_of(OSEI, "patient/*.rs", "ada"), kept)
    assert not allowed(CLEO, kept)
    assert not allowed(app_of(OSEI, "patient/*.rs", "ben"), kept)
    assert not allowed(ADMIN, kept)
    assert [name for name, _ in shown(a_bundle("searchset", {"resource": kept}))] == [
        "Observation/laboratory-ada"
    ]


def shown(answer: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every resource of the practice within an answer, at any depth."""
    if isinstance(answer, list):
        for each in answer:
            yield from shown(each)
    elif isinstance(answer, dict):
        if "id" in answer and answer.get("resourceType") in TYPES:
            yield f"{answer['resourceType']}/{answer['id']}", answer
        for each in answer.values():
            yield from shown(each)


@dataclass(frozen=True, slots=True)
class Plain:
    """A scope, read plainly."""

    context: str
    type: str
    letters: str
    category: str


def allowed(who: Principal, resource: dict[str, Any], letters: str = "rs") -> bool:
    """Read the rules: may the resource be read or found by them?"""
    rules = json.loads((RULES / f"{who.role}.json").read_text())["rules"]
    kind = resource["resourceType"]
    fitting = [rule for rule in rules if {kind, "*"} & set(rule["types"])]
    fitting = [rule for rule in fitting if set(letters) & set(rule["may"])]
    scopes = [None] if who.scopes is None else [plain(scope.text) for scope in who.scopes]
    return any(fits(who, rule, scope, resource) for rule in fitting for scope in scopes)


def plain(text: str) -> Plain:
    context, kind, letters, query = re.fullmatch(  # type: ignore[union-attr]
        r"(\w+)/([*\w]+)\.([a-z]+)(?:\?category=(.+))?", text
    ).groups()
    return Plain(context, kind, "rs" if letters == "read" else letters, query or "")


def fits(who: Principal, rule: Any, scope: Plain | None, resource: dict[str, Any]) -> bool:
    own = OWN.get(who.user, set())
    if scope is not None:
        if scope.type not in ("*", resource["resourceType"]) or not set(scope.letters) & set("rs"):
            return False
        if scope.category and scope.category not in categories(resource):
            return False
        if scope.context == "patient":
            own = own & {who.patient}
    if rule.get("of") and f'"{rule["of"]}/' not in json.dumps(resource):
        return False
    return not rule.get("patient") or bool(own & named(resource))


def categories(resource: dict[str, Any]) -> set[str]:
    codings = [each for some in resource.get("category", []) for each in some["coding"]]
    return {f"{each['system']}|{each['code']}" for each in codings}


def named(resource: dict[str, Any]) -> set[str]:
    """Return the patients that it is, or names, or whose observation it speaks of."""
    text = json.dumps(resource)
    found = set(re.findall(r'"Patient/([a-z]+)"', text))
    found |= set(re.findall(r'"Observation/laboratory-([a-z]+)"', text))
    return found | ({resource["id"]} if resource["resourceType"] == "Patient" else set())
