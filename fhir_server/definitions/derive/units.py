"""UCUM codes that are common in FHIR, reduced to base units, https://hl7.org/fhir/R4/valueset-ucum-common.html."""

from __future__ import annotations

from fhir_server.definitions import ucum
from fhir_server.definitions.derive.package import Package, Resource

_COMMON = "http://hl7.org/fhir/ValueSet/ucum-common"

# Beside R4's list: what its own examples and Synthea's records say, some of which is no UCUM.
_OTHERS = (
    "(score) TAB cal/mL drop ea g/cm-2 mEq mcg ml month tbl {T-score} {count} {scoop} {score} "
    "mg ug g kg mm cm m {nominal} {#} 1 % h d wk mo a min s L mL dL U/mL"
)


def units(package: Package) -> Resource:
    """Return, under "units", factor and base units by code; null for what is no multiple of base units."""
    include = package.by_url("ValueSet")[_COMMON]["compose"]["include"]
    common = {concept["code"] for each in include for concept in each["concept"]}
    listed = sorted({*common, *_OTHERS.split()})
    return {"units": {code: _row(ucum.parse(code)) for code in listed}}


def _row(unit: ucum.Unit | None) -> list[str] | None:
    return [str(unit.factor), unit.base] if unit else None
