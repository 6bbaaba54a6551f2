"""Resources and searches of what combines values: composites, places and words.

`match` answers them in test_combined.py, SQL in the REST tests.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

LOINC = "http://loinc.org"
SNOMED = "http://snomed.info/sct"


def _concept(system: str, *codes: str) -> dict[str, Any]:
    return {"coding": [{"system": system, "code": code} for code in codes]}


def _quantity(number: str, code: str = "mm[Hg]") -> dict[str, Any]:
    return {"value": Decimal(number), "unit": code, "system": "urn:u", "code": code}


def _document(identity: str) -> dict[str, Any]:
    return {
        "resourceType": "DocumentReference",
        "id": identity,
        "status": "current",
        "content": [{"attachment": {"url": "http://x/y"}}],
    }


RESOURCES: tuple[dict[str, Any], ...] = (
    {
        "resourceType": "Observation",
        "id": "pressure",
        "status": "final",
        "code": _concept(LOINC, "85354-9"),
        "component": [
            {"code": _concept(LOINC, "8480-6"), "valueQuantity": _quantity("150")},
            {"code": _concept(LOINC, "8462-4"), "valueQuantity": _quantity("80")},
            {
                "code": _concept(LOINC, "position"),
                "valueCodeableConcept": _concept(SNOMED, "sitting"),
            },
        ],
    },
    {
        "resourceType": "Observation",
        "id": "weight",
        "status": "final",
        "code": {
            "coding": [{"system": LOINC, "code": "29463-7"}, {"code": "a$b|c"}],
        },
        "valueQuantity": _quantity("72.5", "kg"),
    },
    {
        "resourceType": "Observation",
        "id": "smoking",
        "status": "final",
        "code": _concept(LOINC, "72166-2"),
        "valueCodeableConcept": _concept(SNOMED, "Former"),
    },
    {
        "resourceType": "Observation",
        "id": "since",
        "status": "final",
        "code": _concept(LOINC, "since"),
        "valueDateTime": "2020-05-01",
    },
    {
        "resourceType": "Observation",
        "id": "note",
        "status": "final",
        "code": _concept(LOINC, "note"),
        "valueString": "Überall gut",
    },
    _document("old"),
    _document("older"),
    _document("letter")
    | {
        "relatesTo": [
            {"code": "replaces", "target": {"reference": "DocumentReference/old"}},
            {"code": "appends", "target": {"reference": "DocumentReference/older"}},
        ],
    },
    {
        "resourceType": "Group",
        "id": "smokers",
        "type": "person",
        "actual": True,
        "characteristic": [
            {"code": _concept(SNOMED, "smokes"), "valueBoolean": True, "exclude": False},
            {
                "code": _concept(SNOMED, "gender"),
                "valueCodeableConcept": _concept("urn:g", "female"),
                "exclude": True,
            },
        ],
    },
    {
        "resourceType": "Questionnaire",
        "id": "paediatric",
        "status": "active",
        "useContext": [
            {
                "code": {"system": "urn:usage", "code": "age"},
                "valueRange": {"low": _quantity("2", "a"), "high": _quantity("12", "a")},
            },
            {
                "code": {"system": "urn:usage", "code": "focus"},
                "valueCodeableConcept": _concept(SNOMED, "asthma"),
            },
        ],
    },
    {
        "resourceType": "MolecularSequence",
        "id": "brca",
        "coordinateSystem": 0,
        "referenceSeq": {
            "chromosome": _concept("urn:chromosome", "17"),
            "genomeBuild": "GRCh38",
            "windowStart": 100,
            "windowEnd": 200,
        },
        "variant": [{"start": 110, "end": 120}, {"start": 150, "end": 160}, {"start": 170}],
    },
    {
        "resourceType": "Location",
        "id": "vienna",
        "status": "active",
        "name": "Mainstation",
        "identifier": [{"system": "urn:n", "value": "4711"}],
        "text": {
            "status": "generated",
            "div": '<div xmlns="http://www.w3.org/1999/xhtml"><!-- hidden -->'
            '<span title="a>strong">Café</span><p>open</p><p>daily A&amp;B</p></div>',
        },
        "contained": [{"resourceType": "Organization", "id": "innerid", "name": "Contained Name"}],
        "managingOrganization": {"reference": "#innerid"},
        "position": {"latitude": Decimal("48.2082"), "longitude": Decimal("16.3738")},
    },
    {
        "resourceType": "Location",
        "id": "bratislava",
        "extension": [{"url": "urn:e", "valueMarkdown": "a *note*"}],
        "position": {"latitude": Decimal("48.1486"), "longitude": Decimal("17.1077")},
    },
    {
        "resourceType": "Location",
        "id": "taveuni",
        "position": {"latitude": Decimal("-17.0"), "longitude": Decimal("180.0")},
    },
    {
        "resourceType": "Location",
        "id": "pole",
        "position": {"latitude": Decimal("89.9"), "longitude": Decimal(10)},
    },
    {
        "resourceType": "Location",
        "id": "nowhere",
        "meta": {
            "source": "urn:oid:1.2/3",
            "profile": ["http://p.q/fhir/StructureDefinition/place|1.0", "http://p.q/other/"],
        },
    },
)

CASES: tuple[tuple[str, str, str, str], ...] = (
    # type, parameter, value, ids found
    ("Observation", "component-code-value-quantity", "8480-6$150", "pressure"),
    ("Observation", "component-code-value-quantity", f"{LOINC}|8480-6$gt140", "pressure"),
    ("Observation", "component-code-value-quantity", f"{LOINC}|8480-6$gt140||mm[Hg]", "pressure"),
    ("Observation", "component-code-value-quantity", "8480-6$gt140|urn:u|mm[Hg]", "pressure"),
    ("Observation", "component-code-value-quantity", "8480-6$gt140||kPa", ""),
    ("Observation", "component-code-value-quantity", "8462-4$gt140", ""),
    ("Observation", "component-code-value-quantity", "8462-4$ne80", ""),
    ("Observation", "component-code-value-quantity", "8462-4$ne81", "pressure"),
    ("Observation", "component-code-value-quantity", "|8480-6$gt140", ""),
    ("Observation", "component-code-value-quantity", f"{LOINC}|$lt100", "pressure"),
    ("Observation", "component-code-value-quantity", "8462-4$150,8480-6$150", "pressure"),
    ("Observation", "component-code-value-quantity", "8462-4$150,8480-6$80", ""),
    ("Observation", "component-code-value-concept", "position$sitting", "pressure"),
    ("Observation", "component-code-value-concept", f"position${SNOMED}|SITTING", "pressure"),
    ("Observation", "component-code-value-concept", "8480-6$sitting", ""),
    ("Observation", "code-value-quantity", "29463-7$ap70", "weight"),
    ("Observation", "code-value-quantity", "29463-7$72.5", "weight"),
    ("Observation", "code-value-quantity", "|a\\$b\\|c$72.5", "weight"),
    ("Observation", "code-value-quantity", "8480-6$150", ""),
    ("Observation", "code-value-quantity:missing", "false", "weight"),
    ("Observation", "component-code-value-quantity:missing", "false", "pressure"),
    ("Observation", "combo-code-value-quantity:missing", "false", "pressure weight"),
    ("Observation", "combo-code-value-quantity", "8480-6$150,29463-7$le73", "pressure weight"),
    ("Observation", "combo-code-value-quantity", "85354-9$150", ""),
    ("Observation", "combo-code-value-concept", "72166-2$former", "smoking"),
    ("Observation", "combo-code-value-concept", f"{LOINC}|position${SNOMED}|sitting", "pressure"),
    ("Observation", "code-value-concept", f"{LOINC}|72166-2${SNOMED}|", "smoking"),
    ("Observation", "code-value-concept", f"72166-2${LOINC}|former", ""),
    ("Observation", "code-value-date", "since$2020-05", "since"),
    ("Observation", "code-value-date", "since$lt2020-05", ""),
    ("Observation", "code-value-date", "note$2020-05", ""),
    ("Observation", "code-value-string", "note$uber", "note"),
    ("Observation", "code-value-string", "since$uber", ""),
    (
        "DocumentReference",
        "relationship",
        "DocumentReference/old$replaces",
        "letter",
    ),
    ("DocumentReference", "relationship", "old$replaces", "letter"),
    ("DocumentReference", "relationship", "old$appends", ""),
    ("Group", "characteristic-value", "smokes$true", "smokers"),
    ("Group", "characteristic-value", "gender$female", "smokers"),
    ("Group", "characteristic-value", "gender$true", ""),
    ("Questionnaire", "context-type-quantity", "age$gt5", "paediatric"),
    ("Questionnaire", "context-type-quantity", "urn:usage|age$lt2||a", ""),
    ("Questionnaire", "context-type-value", "focus$asthma", "paediatric"),
    ("Questionnaire", "context-type-value", "age$asthma", ""),
    ("MolecularSequence", "chromosome-variant-coordinate", "17$110$120", "brca"),
    ("MolecularSequence", "chromosome-variant-coordinate", "17$ge105$lt125", "brca"),
    ("MolecularSequence", "chromosome-variant-coordinate", "17$110$160", ""),
    ("MolecularSequence", "chromosome-variant-coordinate", "17$170$gt0", ""),
    ("MolecularSequence", "chromosome-variant-coordinate", "17$ne110$160", "brca"),
    ("MolecularSequence", "chromosome-window-coordinate", "urn:chromosome|17$lt150$gt150", "brca"),
    ("MolecularSequence", "chromosome-window-coordinate", "18$lt150$gt150", ""),
    ("MolecularSequence", "referenceseqid-window-coordinate:missing", "true", "brca"),
    # 111 km are a degree of latitude.
    ("Location", "near", "48.2|16.4|5|km", "vienna"),
    ("Location", "near", "48.2|16.4", "vienna"),
    ("Location", "near", "48.2|16.4|60", "bratislava vienna"),
    ("Location", "near", "48.2|16.4|60000|m", "bratislava vienna"),
    ("Location", "near", "48.2|16.4|30|[mi_us]", "vienna"),
    ("Location", "near", "48.2|16.4|40|mi", "bratislava vienna"),
    ("Location", "near", "48.2082|16.3738|0", "vienna"),
    ("Location", "near", "-17|-179.95|20", "taveuni"),
    ("Location", "near", "-17|179.95|20", "taveuni"),
    ("Location", "near", "-17|180|20", "taveuni"),
    ("Location", "near", "90|0|30", "pole"),
    ("Location", "near", "89.9|-170|30", "pole"),
    ("Location", "near", "89.9|10|20", "pole"),
    ("Location", "near", "0|0|30000", "bratislava pole taveuni vienna"),
    ("Location", "near", "0|0|1", ""),
    ("Location", "near:missing", "true", "nowhere"),
    ("Location", "near:missing", "false", "bratislava pole taveuni vienna"),
    ("Location", "_text", "Cafe", "vienna"),
    ("Location", "_text", "CAFÉ open", "vienna"),
    ("Location", "_text", '"open, daily"', "vienna"),
    ("Location", "_text", '"open\\, daily"', "vienna"),
    ("Location", "_text", "café closed", ""),
    ("Location", "_text", "closed,daily", "vienna"),
    ("Location", "_text", "span", ""),
    ("Location", "_text", "strong", ""),
    ("Location", "_text", "a&b", "vienna"),
    ("Location", "_text", "hidden", ""),
    ("Location", "_text", "mainstation", ""),
    ("Location", "_content", "cafe", "vienna"),
    ("Location", "_content", "MAINSTATION", "vienna"),
    ("Location", "_content", "mainstation daily", "vienna"),
    ("Location", "_content", "contained name", "vienna"),
    ("Location", "_content", "innerid", ""),
    ("Location", "_content", "organization", ""),
    ("Location", "_content", "active", ""),
    ("Location", "_content", "note", "bratislava"),
    ("Location", "_content", "nowhere,pole", ""),
    ("Location", "_content", "4711", "vienna"),
    ("Location", "_profile:below", "http://p.q/fhir", "nowhere"),
    ("Location", "_profile:below", "http://p.q", "nowhere"),
    ("Location", "_profile:below", "http://p.q/fhir/StructureDefinition/place", "nowhere"),
    ("Location", "_profile:below", "http://p.q/other", "nowhere"),
    ("Location", "_profile:below", "http://p.q/fhir/Struct", ""),
    ("Location", "_profile:below", "http://", ""),
    ("Location", "_profile:below", "http://p.q/%/StructureDefinition", ""),
    ("Location", "_profile:above", "http://p.q/fhir/StructureDefinition/place/x", "nowhere"),
    ("Location", "_source:below", "urn:oid:1.2/3", "nowhere"),
    ("Location", "_source:below", "urn:oid:1.2", ""),
    ("Location", "_source:above", "urn:oid:1.2/3", "nowhere"),
)
