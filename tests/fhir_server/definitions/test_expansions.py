"""Value sets and code systems that R4 enumerates, https://hl7.org/fhir/R4/terminologies.html."""

from __future__ import annotations

import subprocess
import sys

import pytest

from fhir_server.definitions import code_systems, expansions, tables, value_sets

HL7 = "http://hl7.org/fhir/ValueSet/"
V3 = "http://terminology.hl7.org/ValueSet/v3-"
ACT_CODE = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
ACT_MOOD = "http://terminology.hl7.org/CodeSystem/v3-ActMood"


def codes_of(url: str, system: str) -> frozenset[str]:
    codes = expansions.expansion(url)
    assert codes is not None
    return codes[system]


def test_required_bindings_have_the_codes_that_validation_knows() -> None:
    for url in value_sets.urls():
        assert expansions.expansion(url) == value_sets.codes(url), url


def test_listed_concepts_are_not_the_whole_code_system() -> None:
    assert codes_of(HL7 + "units-of-time", "http://unitsofmeasure.org") == {
        *("s", "min", "h", "d", "wk", "mo", "a")
    }


def test_a_filter_takes_what_lies_below_and_excludes_take_away() -> None:
    encounters = codes_of(V3 + "ActEncounterCode", ACT_CODE)
    assert {"AMB", "EMER", "IMP", "ACUTE"} <= encounters
    assert "_ActEncounterCode" not in encounters
    assert "_ActMoodPredicate" not in codes_of(HL7 + "inactive", ACT_MOOD)


def test_a_value_set_includes_those_it_names() -> None:
    codes = expansions.expansion(HL7 + "yesnodontknow")
    assert codes is not None
    assert sorted(map(sorted, codes.values())) == [["N", "Y"], ["asked-unknown"]]


@pytest.mark.parametrize("name", ["observation-codes", "mimetypes", "jurisdiction", "nothing"])
def test_what_r4_cannot_enumerate_or_does_not_have_is_none(name: str) -> None:
    assert expansions.expansion(HL7 + name) is None


def test_only_complete_code_systems_have_all_their_codes() -> None:
    assert code_systems.codes("http://hl7.org/fhir/administrative-gender") == {
        *("male", "female", "other", "unknown")
    }
    assert code_systems.codes("http://snomed.info/sct") is None


def test_the_tables_are_small() -> None:
    assert (tables.DIRECTORY / "expansions.json").stat().st_size < 700_000
    assert (tables.DIRECTORY / "code-systems.json").stat().st_size < 700_000


def test_the_tables_are_not_read_before_they_are_needed() -> None:
    program = (
        "from fhir_server.rest import app\n"
        "from fhir_server.search.entry import entry\n"
        "from fhir_server.search.parse import parse\n"
        "from fhir_server.definitions import expansions, code_systems\n"
        "entry({'resourceType': 'Patient', 'id': '1', 'gender': 'male'})\n"
        "parse('Patient', [('gender:not', 'male')])\n"
        "print(expansions._rows.cache_info().misses, code_systems._table.cache_info().misses)\n"
    )
    ran = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True)
    assert ran.stdout.split() == [b"0", b"0"]
