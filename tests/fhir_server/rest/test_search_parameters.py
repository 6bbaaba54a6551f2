"""SearchParameters that are stored at run time, https://hl7.org/fhir/R4/searchparameter.html."""

from __future__ import annotations

import json
import tarfile
from pathlib import Path
from typing import Any

import pytest

from fhir_server.context import Store
from fhir_server.search import custom
from fhir_server.storage import reindex
from tests.eyes import EYE, a_new_database, a_parameter, a_patient, found, index, warned
from tests.http import Client, entry

__all__ = ["a_new_database"]

US_CORE = Path(__file__).resolve().parents[4] / "shared" / "data" / "hl7.fhir.us.core-6.1.0.tgz"


def test_new_data_is_indexed_at_once(client: Client) -> None:
    client.stored(a_parameter())
    client.stored(a_patient("1", "blue"))
    client.stored(a_patient("2", "green"))
    assert found(client, "Patient?eye=blue") == ["1"]
    assert found(client, "Patient?eye:not=blue") == ["2"]
    assert found(client, "Patient?eye:missing=true") == []


def test_without_it_the_parameter_is_refused(client: Client) -> None:
    client.stored(a_patient("1", "blue"))
    answer = client.get("Patient?eye=blue")
    assert answer.status == 400
    assert "eye" in answer.said


@pytest.mark.parametrize("status", ["retired", "draft", "unknown"])
def test_retiring_takes_it_away(client: Client, store: Store, status: str) -> None:
    client.stored(a_parameter())
    client.stored(a_patient("1", "blue"))
    index(store)
    client.stored(a_parameter(status=status))
    assert client.get("Patient?eye=blue").status == 400
    index(store)
    with store.database.connection() as connection:
        assert "SearchParameter/eye" not in reindex.jobs(connection)


def test_deleting_takes_it_away(client: Client) -> None:
    client.stored(a_parameter())
    assert client.get("Patient?eye=blue").status == 200
    client.delete("SearchParameter/eye")
    assert client.get("Patient?eye=blue").status == 400


def test_changing_the_expression_indexes_anew(client: Client, store: Store) -> None:
    client.stored(a_patient("1", "blue", gender="male"))
    client.stored(a_parameter())
    index(store)
    client.stored(a_parameter(expression="Patient.gender"))
    assert "0 %" in warned(client, "Patient?eye=male")[0]
    index(store)
    assert found(client, "Patient?eye=male") == ["1"]
    assert found(client, "Patient?eye=blue") == []


def test_another_process_learns_of_it(client: Client, store: Store) -> None:
    client.stored(a_parameter())
    custom.use(custom.NOTHING)  # as another process has it
    other = Store(store.database, store.blobs, store.base)
    other.learn()
    assert [each.name for each in custom.current().defined] == ["SearchParameter/eye"]
    custom.use(custom.NOTHING)
    other.learn()  # within the second nothing is asked
    assert custom.current() is custom.NOTHING


def test_a_transaction_may_define_several(client: Client, store: Store) -> None:
    client.stored(a_patient("1", "blue", gender="male"))
    sent = [a_parameter(), a_parameter("sex-token", expression="Patient.gender")]
    answer = client.transaction(
        *(entry("PUT", f"SearchParameter/{each['id']}", each) for each in sent)
    )
    assert answer.status == 200, answer.body
    index(store)
    assert found(client, "Patient?eye=blue&sex-token=male") == ["1"]


VALUES: dict[str, tuple[str, dict[str, Any], str, str]] = {
    "token": ("token", {"valueCodeableConcept": {"coding": [{"code": "A"}]}}, "a", "b"),
    "boolean": ("token", {"valueBoolean": True}, "true", "false"),
    "date": ("date", {"valueDate": "2020-02-03"}, "ge2020-02", "lt2020-02"),
    "period": ("date", {"valuePeriod": {"start": "2020"}}, "gt2021", "lt2019"),
    "string": ("string", {"valueString": "Sea  blue"}, "sea b", "blue"),
    "reference": ("reference", {"valueReference": {"reference": "Patient/0"}}, "Patient/0", "1"),
    "uri": ("uri", {"valueUri": "http://example.org/a"}, "http://example.org/a", "http://b"),
    "number": ("number", {"valueDecimal": 7.5}, "gt7", "lt7"),
    "quantity": ("quantity", {"valueQuantity": {"value": 5, "unit": "mm"}}, "5||mm", "5||cm"),
}


@pytest.mark.parametrize("name", VALUES)
def test_every_type_of_parameter_is_indexed_new_and_old(
    client: Client, store: Store, name: str
) -> None:
    kind, value, right, wrong = VALUES[name]
    client.stored({"resourceType": "Patient", "id": "0"})
    client.stored(a_patient("old", "x") | {"extension": [{"url": EYE, **value}]})
    client.stored(a_parameter(type=kind))
    client.stored(a_patient("new", "x") | {"extension": [{"url": EYE, **value}]})
    index(store)
    assert found(client, f"Patient?eye={right}") == ["new", "old"]
    assert found(client, f"Patient?eye={wrong}") == []
    assert found(client, "Patient?eye:missing=true") == ["0"]
    assert client.get("Patient?_sort=eye").status == 200


def test_a_parameter_has_every_type_of_its_base(client: Client, store: Store) -> None:
    shared = (
        f"Patient.extension.where(url='{EYE}').value | Basic.extension.where(url='{EYE}').value"
    )
    client.stored(a_parameter(base=["Patient", "Basic"], expression=shared))
    client.stored(a_patient("1", "blue"))
    basic = a_patient("2", "blue") | {"resourceType": "Basic", "code": {"text": "an eye"}}
    client.stored(basic)
    assert found(client, "Patient?eye=blue") == ["1"]
    assert found(client, "Basic?eye=blue") == ["2"]
    assert client.get("Practitioner?eye=blue").status == 400


def test_a_parameter_of_domain_resource_is_one_of_all_of_them(client: Client) -> None:
    general = f"DomainResource.extension.where(url='{EYE}').value"
    client.stored(a_parameter(base=["DomainResource"], expression=general))
    client.stored(a_patient("1", "blue"))
    assert found(client, "Patient?eye=blue") == ["1"]
    assert found(client, "Observation?eye=blue") == []
    assert found(client, "Observation?subject:Patient.eye=blue") == []


def test_a_chain_leads_through_a_stored_reference_parameter(client: Client) -> None:
    client.stored({"resourceType": "Patient", "id": "twin", "gender": "male"})
    client.stored(a_parameter("sibling", type="reference", target=["Patient"]))
    other = [{"url": EYE, "valueReference": {"reference": "Patient/twin"}}]
    client.stored({"resourceType": "Patient", "id": "1", "extension": other})
    assert found(client, "Patient?sibling.gender=male") == ["1"]
    assert found(client, "Patient?_has:Patient:sibling:_id=1") == ["twin"]
    assert found(client, "Patient?sibling.gender=female") == []


def test_a_composite_is_made_of_parameters_of_r4(client: Client, store: Store) -> None:
    parts = [
        {"definition": f"http://hl7.org/fhir/SearchParameter/{name}", "expression": path}
        for name, path in (("individual-telecom", "value"), ("individual-address-use", "use"))
    ]
    whole = a_parameter("reach", type="composite", expression="Patient.telecom", component=parts)
    phone = {"system": "phone", "value": "7", "use": "home"}
    client.stored({"resourceType": "Patient", "id": "1", "telecom": [phone]})
    client.stored(whole)
    index(store)
    assert found(client, "Patient?reach=7$home") == ["1"]
    assert found(client, "Patient?reach=7$work") == []
    parts[0]["definition"] = "http://example.org/SearchParameter/eye"
    assert client.put("SearchParameter/reach", whole).status == 422


def test_an_expression_that_cannot_be_compiled_is_evaluated(client: Client, store: Store) -> None:
    client.stored({"resourceType": "Patient", "id": "old", "name": [{"family": "Ant"}]})
    rare = "Patient.name.where(use.empty() or use = 'usual').family"
    client.stored(a_parameter("plain-name", type="string", expression=rare))
    names = [{"family": "Bee", "use": "maiden"}, {"family": "Wasp", "use": "usual"}]
    client.stored({"resourceType": "Patient", "id": "new", "name": names})
    index(store)
    assert found(client, "Patient?plain-name=ant") == ["old"]
    assert found(client, "Patient?plain-name=wasp") == ["new"]
    assert found(client, "Patient?plain-name=bee") == []
    client.stored(a_parameter("both", expression="(Patient.gender | Patient.maritalStatus)"))
    married = {"coding": [{"code": "M"}]}
    client.stored(
        {"resourceType": "Patient", "id": "3", "gender": "other", "maritalStatus": married}
    )
    assert client.get("Patient?_sort=plain-name").status == 200
    assert client.get("Patient?_sort=both").status == 400
    assert found(client, "Patient?both=m") == ["3"]
    assert found(client, "Patient?both=other") == ["3"]


REFUSED = {
    "no expression": ({"expression": None}, "expression", "needs an expression"),
    "no FHIRPath": ({"expression": "Patient.name.where("}, "expression", "FHIRPath"),
    "unknown function": ({"expression": "Patient.shade(1)"}, "expression", "shade()"),
    "resolve": ({"expression": "Patient.link.other.resolve().name"}, "expression", "resolve()"),
    "no such element": ({"expression": "Patient.eyes"}, "expression", "Patient.eyes"),
    "no value of the type": ({"expression": "Patient.name", "type": "date"}, "expression", "date"),
    "special": ({"type": "special"}, "expression", "special"),
    "of R4, other type": ({"code": "gender", "type": "string"}, "code", "gender"),
    "no name": ({"code": "a.b"}, "code", "a.b"),
    "reserved": ({"code": "_eye"}, "code", "_eye"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_indexed_is_refused(client: Client, case: str) -> None:
    change, path, word = REFUSED[case]
    sent = {key: value for key, value in (a_parameter() | change).items() if value is not None}
    answer = client.put("SearchParameter/eye", sent)
    assert answer.status == 422
    assert answer.paths == [f"SearchParameter.{path}"]
    assert word in answer.said
    assert client.total_versions() == 0
    assert client.put("SearchParameter/eye", sent | {"status": "draft"}).status == 201


def test_a_code_is_defined_once(client: Client) -> None:
    client.stored(a_parameter())
    again = a_parameter(id="other")
    answer = client.put("SearchParameter/other", again)
    assert answer.status == 422
    assert "SearchParameter/eye" in answer.said
    assert client.put("SearchParameter/eye", a_parameter()).status == 200
    elsewhere = again | {"base": ["Basic"], "expression": "Basic.code"}
    assert client.put("SearchParameter/other", elsewhere).status == 201


def test_r4_s_own_codes_stay_r4_s(client: Client, store: Store) -> None:
    client.stored({"resourceType": "Patient", "id": "1", "gender": "male"})
    client.stored(a_parameter("gender", url="http://hl7.org/fhir/SearchParameter/Patient-gender"))
    assert found(client, "Patient?gender=male") == ["1"]
    assert warned(client, "Patient?gender=male") == []
    assert client.get("SearchParameter/gender/$reindex-status").status == 422


def us_core() -> list[dict[str, Any]]:
    if not US_CORE.exists():
        pytest.skip(f"{US_CORE.name} is not in ../shared/data")
    with tarfile.open(US_CORE) as archive:
        names = [name for name in archive.getnames() if "/SearchParameter-" in name]
        return [json.loads(archive.extractfile(name).read()) for name in names]  # type: ignore[union-attr]


def test_us_core_s_parameters_are_taken_and_find_race_and_ethnicity(
    client: Client, store: Store
) -> None:
    listed = us_core()
    assert len(listed) > 100
    answer = client.batch(*(entry("PUT", f"SearchParameter/{e['id']}", e) for e in listed))
    assert {each["response"]["status"] for each in answer.json["entry"]} == {"201 Created"}
    url = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-race"
    coding = {"system": "urn:oid:2.16.840.1.113883.6.238", "code": "2106-3"}
    inner = [{"url": "ombCategory", "valueCoding": coding}, {"url": "text", "valueString": "White"}]
    client.stored(
        {"resourceType": "Patient", "id": "1", "extension": [{"url": url, "extension": inner}]}
    )
    assert found(client, "Patient?race=2106-3") == ["1"]
    assert found(client, "Patient?race=2028-9") == []
    assert found(client, "Patient?ethnicity=2106-3") == []


def test_the_capability_statement_lists_it(client: Client) -> None:
    def listed() -> list[dict[str, Any]]:
        resources = client.get("metadata").json["rest"][0]["resource"]
        patient = next(each for each in resources if each["type"] == "Patient")
        return [each for each in patient["searchParam"] if each["name"] == "eye"]

    assert listed() == []
    client.stored(a_parameter())
    url = "http://example.org/SearchParameter/eye"
    assert listed() == [{"name": "eye", "definition": url, "type": "token"}]
    client.delete("SearchParameter/eye")
    assert listed() == []
