"""R4's own expansions and hierarchies, https://hl7.org/fhir/R4/terminologies.html."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping

import pytest

from fhir_server.definitions import code_systems, expansions, tables, value_sets

HL7 = "http://hl7.org/fhir/ValueSet/"
THO = "http://terminology.hl7.org/"
V3_ACT = f"{THO}CodeSystem/v3-ActCode"
CLINICAL = f"{THO}CodeSystem/condition-clinical"


def codes_of(url: str) -> Mapping[str, frozenset[str]]:
    codes = expansions.expansion(url)
    assert codes is not None, url
    return codes


def test_a_value_set_may_be_a_whole_code_system() -> None:
    assert codes_of(f"{HL7}administrative-gender") == {
        "http://hl7.org/fhir/administrative-gender": {"male", "female", "other", "unknown"}
    }


def test_a_version_in_the_canonical_url_does_not_matter() -> None:
    assert codes_of(f"{HL7}administrative-gender|4.0.1") == codes_of(f"{HL7}administrative-gender")


def test_a_filter_takes_what_lies_below_a_concept() -> None:
    (codes,) = codes_of(f"{THO}ValueSet/v3-ActEncounterCode").values()
    assert {"AMB", "IMP", "ACUTE", "EMER"} <= codes
    assert "PURPOSE" not in codes


def test_other_value_sets_are_taken_in() -> None:
    codes = codes_of(f"{HL7}yesnodontknow")
    assert codes[f"{THO}CodeSystem/v2-0136"] == {"Y", "N"}


def test_an_expansion_counts_where_the_definition_cannot_be_evaluated() -> None:
    (codes,) = codes_of(f"{HL7}example-expansion").values()
    assert "14647-2" in codes


@pytest.mark.parametrize(
    "url", [f"{HL7}observation-codes", f"{HL7}condition-code", f"{HL7}no-such-value-set", ""]
)
def test_what_r4_cannot_enumerate_is_none(url: str) -> None:
    assert expansions.expansion(url) is None


def test_it_agrees_with_the_value_sets_of_required_bindings() -> None:
    for url in value_sets.urls():
        assert expansions.expansion(url) == value_sets.codes(url), url


def test_most_value_sets_are_enumerated() -> None:
    assert len(expansions._rows()) > 1200


def test_the_tables_stay_small() -> None:
    sizes = [
        (tables.DIRECTORY / name).stat().st_size
        for name in ("expansions.json", "code-systems.json")
    ]
    assert sum(sizes) < 700_000


def test_hierarchies_are_walked_both_ways_and_hold_the_code_itself() -> None:
    assert code_systems.ancestors(CLINICAL, "relapse") == {"relapse", "active"}
    assert code_systems.descendants(CLINICAL, "active") == {"active", "recurrence", "relapse"}
    assert code_systems.descendants(CLINICAL, "relapse") == {"relapse"}
    assert "IMP" in code_systems.ancestors(V3_ACT, "ACUTE")


def test_a_code_of_an_unknown_system_stands_alone() -> None:
    assert code_systems.ancestors("http://snomed.info/sct", "73211009") == {"73211009"}
    assert code_systems.descendants("urn:none", "x") == {"x"}
    assert code_systems.codes("http://snomed.info/sct") is None


def test_systems_of_names_the_hierarchies_that_have_a_code() -> None:
    assert code_systems.systems_of("relapse") == {CLINICAL}
    assert code_systems.systems_of("no such code") == frozenset()


def test_nothing_of_it_is_read_at_the_start() -> None:
    code = (
        "import sys, medconsult.app\n"
        "from fhir_server.definitions import code_systems, expansions, ucum\n"
        "from fhir_server.search.extract import plan\n"
        "plan('Observation')\n"
        "assert not {'ucumvert', 'pint', 'lark'} & set(sys.modules)\n"
        "for read in (code_systems._table, expansions._rows, ucum._table):\n"
        "    assert read.cache_info().currsize == 0, read\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
