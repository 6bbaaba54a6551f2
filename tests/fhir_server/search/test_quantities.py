"""Quantities in UCUM units, https://hl7.org/fhir/R4/search.html#quantity."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from fhir_server.search.entry import entry
from fhir_server.search.match import match
from fhir_server.search.parse import parse

UCUM = "http://unitsofmeasure.org"
LOINC = "http://loinc.org"


def a_value(number: str, code: str, system: str = UCUM, **more: str) -> dict[str, Any]:
    quantity = {"value": Decimal(number), "system": system, "code": code, **more}
    code_ = {"coding": [{"system": LOINC, "code": "1"}]}
    return {"resourceType": "Observation", "id": "1", "code": code_, "valueQuantity": quantity}


def found(resource: dict[str, Any], value: str, name: str = "value-quantity") -> bool:
    return match(parse("Observation", [(name, value)]), entry(resource))


@pytest.mark.parametrize(
    ("resource", "value", "expected"),
    [
        (a_value("5400", "mg"), f"5.4|{UCUM}|g", True),
        (a_value("5400", "mg"), f"5400|{UCUM}|mg", True),
        (a_value("5400", "mg"), f"5.5|{UCUM}|g", False),
        (a_value("5400", "mg"), f"5.4|{UCUM}|L", False),
        (a_value("5449", "mg"), f"5.4|{UCUM}|g", True),
        (a_value("5450", "mg"), f"5.4|{UCUM}|g", False),
        (a_value("5400", "mg"), f"5.4|{UCUM}|kg", False),
        (a_value("5400", "mg"), f"gt5.4|{UCUM}|g", False),
        (a_value("5400", "mg"), f"ge5.4|{UCUM}|g", True),
        (a_value("5400", "mg"), f"ne5.4|{UCUM}|g", False),
        (a_value("420", "/h"), f"ge7|{UCUM}|/min", True),
        (a_value("420", "/h"), f"gt7|{UCUM}|/min", False),
        (a_value("5400", "mg"), "5400", True),
        (a_value("5400", "mg"), "5.4", False),
        (a_value("5400", "mg"), "5400||mg", True),
        (a_value("5400", "mg"), "5.4||g", False),
        (a_value("5400", "mg", unit="milligrams"), "5400||milligrams", True),
        (a_value("5400", "mg", system="urn:other"), f"5.4|{UCUM}|g", False),
        (a_value("5400", "mg", system="urn:other"), "5400|urn:other|mg", True),
        (a_value("37", "Cel"), f"37|{UCUM}|Cel", True),
        (a_value("37", "Cel"), f"310|{UCUM}|K", False),
        (a_value("1", "[IU]/mL"), f"1|{UCUM}|[IU]/mL", True),
        (a_value("1", "[IU]/mL"), f"1000|{UCUM}|[IU]/L", False),
        (a_value("3", "no unit"), f"3|{UCUM}|no unit", True),
        (a_value("5", "mg", comparator="<"), f"lt0.001|{UCUM}|g", True),
        (a_value("5", "mg", comparator="<"), f"gt0.006|{UCUM}|g", False),
        (a_value("5", "mg", comparator=">"), f"gt1000|{UCUM}|kg", True),
        (a_value("1e99", "mg"), f"1e96|{UCUM}|g", True),
        (a_value("1e99", "mg"), f"gt2e96|{UCUM}|g", False),
    ],
)
def test_an_amount_is_found_in_any_unit_of_its_kind(
    resource: dict[str, Any], value: str, expected: bool
) -> None:
    assert found(resource, value) is expected


def test_a_composite_finds_amounts_in_other_units() -> None:
    resource = a_value("5400", "mg")
    assert found(resource, f"{LOINC}|1$5.4|{UCUM}|g", "code-value-quantity")
    assert not found(resource, f"{LOINC}|2$5.4|{UCUM}|g", "code-value-quantity")


def test_samples_are_found_in_other_units() -> None:
    origin = {"value": Decimal(0), "system": UCUM, "code": "mV"}
    data = {"origin": origin, "period": 1, "dimensions": 1, "data": "1 2 E 3"}
    resource = {"resourceType": "Observation", "id": "1", "valueSampledData": data}
    assert found(resource, f"gt0.002|{UCUM}|V")
    assert not found(resource, f"gt0.003|{UCUM}|V")


def test_an_open_range_stays_open_in_base_units() -> None:
    age = {"low": {"value": Decimal(2), "system": UCUM, "code": "a"}}
    resource = {"resourceType": "Condition", "id": "1", "onsetRange": age}
    query = parse("Condition", [("onset-age", f"gt1000|{UCUM}|mo")])
    assert match(query, entry(resource))
    assert not match(parse("Condition", [("onset-age", f"lt1|{UCUM}|mo")]), entry(resource))


def test_an_amount_takes_one_row_more_than_what_is_written() -> None:
    assert len({row[0] for row in entry(a_value("1", "mg")).numbers}) >= 2
    params = [row[0] for row in entry(a_value("1", "Cel")).numbers]
    assert len(params) == len(entry(a_value("1", "mg")).numbers) // 2
