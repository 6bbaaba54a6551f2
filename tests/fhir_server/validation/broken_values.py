"""Values that no primitive type allows, each in an extension."""

from __future__ import annotations

from typing import Any

from tests.fhir_server.validation.rows import Broken, extended

_GOOD_TYPES: dict[str, Any] = {
    "Base64Binary": "TWFu",
    "Boolean": True,
    "Canonical": "http://example.org/x",
    "Code": "x",
    "Date": "2024-02-29",
    "DateTime": "2024-02-29T10:00:00Z",
    "Decimal": 1,
    "Id": "x",
    "Instant": "2024-02-29T10:00:00Z",
    "Integer": 1,
    "Markdown": "x",
    "Oid": "urn:oid:1.2",
    "PositiveInt": 1,
    "String": "x",
    "Time": "10:00:00",
    "UnsignedInt": 0,
    "Uri": "x:y",
    "Url": "x:y",
    "Uuid": "urn:uuid:c757873d-ec9a-4326-a141-556f43239520",
}
EVERY_PRIMITIVE = tuple(_GOOD_TYPES)
_WRONG_KIND = tuple(
    Broken(f"{name} of the wrong JSON kind", extended(**{f"value{name}": wrong}), "structure", "")
    for name, good in _GOOD_TYPES.items()
    for wrong in ([1 if isinstance(good, str) else "1"] if good is not True else ["true"])
)
_BAD_VALUES = tuple(
    Broken(f"{name} {value!r}", extended(**{f"value{name}": value}), "value", "")
    for name, value in (
        ("Base64Binary", "TWF"),
        ("Base64Binary", "T==="),
        ("Canonical", "a b"),
        ("Code", " x"),
        ("Code", "a  b"),
        ("Date", "2023-02-29"),
        ("Date", "2024-13"),
        ("Date", "24-01-01"),
        ("Date", "0000-01-01"),
        ("Date", "2024-01-01T10:00:00Z"),
        ("DateTime", "2024-02-30T10:00:00Z"),
        ("DateTime", "2024-02-03T10:00:00"),
        ("DateTime", "2024-02-03T24:00:00Z"),
        ("DateTime", "2024-02-03T10:00Z"),
        ("Id", "x" * 65),
        ("Id", "a_b"),
        ("Id", "a\n"),
        ("Instant", "2024-02-29"),
        ("Instant", "2024-04-31T10:00:00Z"),
        ("Integer", 2**31),
        ("Markdown", ""),
        ("Oid", "1.2.3"),
        ("PositiveInt", 0),
        ("String", ""),
        ("String", "a\x07"),
        ("Time", "10:00"),
        ("Time", "10:00:00Z"),
        ("UnsignedInt", -1),
        ("Uri", "a b"),
        ("Url", ""),
        ("Uuid", "urn:uuid:C757873D-EC9A-4326-A141-556F43239520"),
    )
)
VALUES = tuple(
    row._replace(expression="Patient.extension[0].value") for row in (*_WRONG_KIND, *_BAD_VALUES)
)

GOOD_VALUES = tuple(extended(**{f"value{name}": value}) for name, value in _GOOD_TYPES.items())
