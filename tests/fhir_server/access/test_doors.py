"""Every door by which a record could leak, tried by those who may and those who may not."""

from __future__ import annotations

import pytest

from fhir_server.access.principal import OPEN, Principal
from tests.fhir_server.access.practice import (
    ADA,
    ADMIN,
    CATEGORY,
    CLEO,
    LIND,
    MIA,
    OSEI,
    Door,
    app_of,
    ids,
    service,
    whose,
)
from tests.http import entry

LAB = f"{CATEGORY}|laboratory"
ADAS_APP = app_of(ADA, "patient/*.rs launch/patient", "ada")
OSEIS_APP = app_of(OSEI, "patient/*.rs", "ada")


@pytest.mark.parametrize(
    ("who", "status"),
    [
        (ADA, 200),
        (OSEI, 200),
        (ADAS_APP, 200),
        (OSEIS_APP, 200),
        (service("system/*.rs"), 200),
        (CLEO, 404),
        (MIA, 404),
        (LIND, 404),
        (ADMIN, 403),
        (app_of(OSEI, "patient/*.rs", "ben"), 404),
        (app_of(ADA, "patient/Patient.rs", "ada"), 403),
        (app_of(ADA, "patient/*.rs"), 403),
        (service("system/Patient.rs"), 403),
        (Principal("nobody"), 403),
    ],
)
def test_an_observation_is_read_by_those_it_is_for(door: Door, who: Principal, status: int) -> None:
    client = door.as_(who)
    assert client.get("Observation/laboratory-ada").status == status
    assert client.get("Observation/laboratory-ada/_history/1").status == status
    assert client.get("Observation/laboratory-ada/_history").status == status
    if status != 404:
        assert client.get("Observation?code=2093-3").status == status
    else:
        assert "Observation/laboratory-ada" not in ids(client.get("Observation?code=2093-3"))


@pytest.mark.parametrize(
    ("who", "patients"),
    [
        (ADA, {"ada"}),
        (CLEO, {"cleo"}),
        (MIA, {"ben"}),
        (OSEI, {"ada", "ben"}),
        (LIND, {"cleo"}),
        (ADAS_APP, {"ada"}),
        (OSEIS_APP, {"ada"}),
        (app_of(OSEI, "user/*.rs"), {"ada", "ben"}),
        (service("system/*.rs"), {"ada", "ben", "cleo"}),
        (OPEN, {"ada", "ben", "cleo"}),
    ],
)
def test_no_search_shows_a_stranger(door: Door, who: Principal, patients: set[str]) -> None:
    client = door.as_(who)
    for search in (
        "Observation",
        "Patient",
        "Patient?name=a,b,c",
        "Encounter?status=finished",
        "DocumentReference?_sort=-_lastUpdated",
        "?_type=Observation,Patient,Encounter",
        "",
        "Observation?_include=Observation:subject&_include=*",
        "Observation?_revinclude=Provenance:target&_revinclude=List:item",
        "Practitioner?_revinclude=Encounter:participant&_revinclude=Observation:performer",
        "Observation/_history",
        "_history?_count=1000",
        "Practitioner?_revinclude=Encounter:participant&_include:iterate=Encounter:subject",
    ):
        about = {whose(name) for name in ids(client.get(search))} - {""}
        assert about <= patients, (search, about)
        if search.startswith(("Observation", "Encounter")):
            assert about == patients, search


def test_a_total_counts_no_stranger(door: Door) -> None:
    answer = door.as_(ADA).get("Observation?_total=accurate&_count=1")
    assert answer.json["total"] == 2
    assert door.as_(ADA).get("Observation?_summary=count").json["total"] == 2
    assert door.as_(OPEN).get("Observation?_summary=count").json["total"] == 6


def test_a_page_link_of_somebody_else_is_no_way_in(door: Door) -> None:
    first = door.as_(OSEI).get("Observation?_count=1").json
    following = next(link["url"] for link in first["link"] if link["relation"] == "next")
    path = following.partition("/fhir/")[2]
    assert door.as_(OSEI).get(path).status == 200
    assert door.as_(ADA).get(path).status == 400


def test_later_pages_hold_what_the_rights_say(door: Door) -> None:
    client = door.as_(OSEI)
    path, found = "Observation?_count=1", set[str]()
    while path:
        page = client.get(path)
        found |= ids(page)
        links = {link["relation"]: link["url"] for link in page.json["link"]}
        path = links.get("next", "").partition("/fhir/")[2]
    assert {whose(name) for name in found} == {"ada", "ben"}
    assert len(found) == 4


def test_a_chain_leads_through_nothing_hidden(door: Door) -> None:
    through = "Practitioner?_has:Encounter:participant:patient=Patient/"
    assert ids(door.as_(ADA).get(f"{through}ada")) == {"Practitioner/osei"}
    assert ids(door.as_(ADA).get(f"{through}cleo")) == set()
    assert ids(door.as_(ADA).get("Organization?_has:Patient:organization:name=cleo")) == set()
    assert ids(door.as_(CLEO).get("Organization?_has:Patient:organization:name=cleo")) == {
        "Organization/north"
    }
    lists = "Observation?_list=list-"
    assert ids(door.as_(ADA).get(f"{lists}ada")) == {"Observation/laboratory-ada"}
    assert ids(door.as_(OSEI).get(f"{lists}cleo")) == set()


def test_a_chain_over_a_type_that_is_forbidden_is_refused(door: Door) -> None:
    app = app_of(ADA, "patient/Observation.rs", "ada")
    answer = door.as_(app).get("Observation?subject:Patient.name=ada")
    assert answer.status == 403
    assert "Patient" in answer.said
    assert ids(door.as_(app).get("Observation?code=2093-3")) == {"Observation/laboratory-ada"}


def test_a_granular_scope_shows_its_category_only(door: Door) -> None:
    app = app_of(ADA, f"patient/Observation.rs?category={LAB}", "ada")
    client = door.as_(app)
    assert ids(client.get("Observation")) == {"Observation/laboratory-ada"}
    assert client.get("Observation/laboratory-ada").status == 200
    assert client.get("Observation/vital-signs-ada").status == 404
    assert ids(client.get("Observation/_history")) == {"Observation/laboratory-ada"}


def test_everything_is_everything_of_ones_own(door: Door) -> None:
    found = ids(door.as_(ADA).get("Patient/ada/$everything"))
    assert "Observation/laboratory-ada" in found
    assert {whose(name) for name in found} - {""} == {"ada"}
    assert door.as_(ADA).get("Patient/cleo/$everything").status == 404
    app = app_of(ADA, f"patient/Patient.rs patient/Observation.rs?category={LAB}", "ada")
    assert ids(door.as_(app).get("Patient/ada/$everything")) == {
        "Patient/ada",
        "Observation/laboratory-ada",
    }


def test_a_binary_goes_with_its_patient(door: Door) -> None:
    assert door.as_(ADA).get("Binary/scan-ada").status == 200
    assert door.as_(ADA).get("Binary/scan-cleo").status == 404
    assert door.as_(OSEI).get("Binary/scan-ben").status == 200
    assert door.as_(LIND).get("Binary/scan-ben").status == 404


def test_the_picture_of_a_practitioner_is_for_who_may_read_the_practitioner(door: Door) -> None:
    picture = {"resourceType": "Binary", "contentType": "image/jpeg", "data": "aGk="}
    for name in ("Practitioner/osei", "Organization/north"):
        of = {"id": f"of-{name.partition('/')[2]}", "securityContext": {"reference": name}}
        door.as_(OPEN).stored(picture | of)
    for who in (ADA, CLEO, MIA, LIND, ADMIN, app_of(ADA, "patient/*.rs", "ada")):
        assert door.as_(who).get("Binary/of-osei").status == 200
        assert door.as_(who).get("Binary/of-north").status in (403, 404)
    assert (
        door.as_(app_of(ADA, "patient/Practitioner.rs", "ada")).get("Binary/of-osei").status == 403
    )
    assert door.as_(ADA).put("Binary/of-osei", picture | {"id": "of-osei"}).status == 403
    assert door.as_(ADMIN).get("Binary/scan-ada").status == 404


def test_contained_resources_are_no_way_round(door: Door) -> None:
    answer = door.as_(ADA).get("Observation?_contained=true")
    assert answer.status == 403
    assert door.as_(OPEN).get("Observation?_contained=true").status == 200


def test_what_was_filed_under_the_wrong_patient_is_not_theirs_to_read(door: Door) -> None:
    moved = door.as_(OPEN).get("Observation/vital-signs-ada").json
    moved["subject"] = {"reference": "Patient/cleo"}
    moved["encounter"] = {"reference": "Encounter/visit-cleo"}
    assert door.as_(OPEN).put("Observation/vital-signs-ada", moved).status == 200
    for path in ("", "/_history/1", "/_history/2", "/_history"):
        assert door.as_(ADA).get(f"Observation/vital-signs-ada{path}").status == 404
    assert door.as_(CLEO).get("Observation/vital-signs-ada").status == 200
    assert door.as_(CLEO).get("Observation/vital-signs-ada/_history/1").status == 404


def test_a_deleted_record_is_gone_for_those_who_see_all_and_absent_for_others(door: Door) -> None:
    assert door.as_(OSEI).delete("List/list-ada").status == 204
    assert door.as_(OPEN).get("List/list-ada").status == 410
    assert door.as_(ADA).get("List/list-ada").status == 404
    assert door.as_(CLEO).get("List/list-ada").status == 404


def test_a_batch_and_a_transaction_show_no_more(door: Door) -> None:
    gets = [entry("GET", "Observation/laboratory-ada"), entry("GET", "Observation/laboratory-cleo")]
    answered = door.as_(ADA).batch(*gets).json["entry"]
    assert [each["response"]["status"][:3] for each in answered] == ["200", "404"]
    assert door.as_(ADA).transaction(*gets).status == 422
    assert door.as_(ADA).transaction(gets[0]).status == 200


def test_operations_of_the_server_are_for_those_who_run_it(door: Door) -> None:
    assert door.as_(ADA).get("$reindex-status").status == 403
    assert door.as_(ADMIN).get("$reindex-status").status == 200
    assert door.as_(ADA).get("Patient?_explain=true").status == 403
    assert door.as_(ADA).get("_history?_summary=count").status == 403
    assert door.as_(ADA).get("metadata").status == 200


def test_a_refusal_names_the_least_scope(door: Door) -> None:
    answer = door.as_(app_of(ADA, "patient/Patient.rs", "ada")).get("Observation/laboratory-ada")
    assert answer.status == 403
    assert "patient/Observation.r" in answer.said
    assert 'error="insufficient_scope"' in answer.headers["www-authenticate"]
    assert "profiles/access/administrator.json" in door.as_(ADMIN).get("Observation").said
