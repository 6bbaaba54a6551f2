"""Values of the primitive types: the exact check, and a JSON Schema of those that are plainly right.

https://hl7.org/fhir/R4/datatypes.html#primitive. Patterns are anchored and written anew where R4's
own backtrack without end (base64Binary) or mean other things to other engines (what is white space).
"""

from __future__ import annotations

import binascii
import re
from calendar import monthrange
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from fhir_server.definitions import structures
from fhir_server.validation import narrative

_YEAR = "(?:[0-9](?:[0-9](?:[0-9][1-9]|[1-9]0)|[1-9]00)|[1-9]000)"
_CLOCK = r"(?:[01][0-9]|2[0-3]):[0-5][0-9]:(?:[0-5][0-9]|60)(?:\.[0-9]+)?"
_ZONE = r"(?:Z|[+-](?:(?:0[0-9]|1[0-3]):[0-5][0-9]|14:00))"
_MONTH = "(?:0[1-9]|1[0-2])"
_ANY_DAY = _MONTH + "-(?:0[1-9]|[12][0-9]|3[01])"
# Without 29 February: whether the year has one is for the exact check.
_DAY = (
    "(?:(?:0[1-9]|1[0-2])-(?:0[1-9]|1[0-9]|2[0-8])"
    "|(?:0[13-9]|1[0-2])-(?:29|30)|(?:0[13578]|1[02])-31)"
)
# https://hl7.org/fhir/R4/datatypes.html#string: no characters below 32 but tab, LF and CR.
_TEXT = r"[^\x00-\x08\x0b\x0c\x0e-\x1f]+"
_SOLID = r"[^\x00-\x20]+"
_ID = r"[A-Za-z0-9.\-]{1,64}"
_OID = r"urn:oid:[0-2](?:\.(?:0|[1-9][0-9]*))+"
_UUID = "urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
_BASE64 = "(?:[0-9A-Za-z+/]{4})*(?:[0-9A-Za-z+/]{4}|[0-9A-Za-z+/]{2}==|[0-9A-Za-z+/]{3}=)"

LONGEST_STRING = 1024 * 1024
"""Characters that a string may have, https://hl7.org/fhir/R4/datatypes.html#string."""


@dataclass(frozen=True, slots=True)
class Form:
    """How a primitive type that JSON writes as a string has to look."""

    exact: str
    """Anchored by fullmatch."""
    example: str
    """Ends the sentence "write ...". """
    plain: str = ""
    """A narrower pattern for the schema, where the exact one is not the last word."""


FORMS: Mapping[str, Form] = MappingProxyType(
    {
        "base64Binary": Form(r"[0-9A-Za-z+/=\s]+", "base64 with padding, like TWFu", _BASE64),
        "canonical": Form(_SOLID, "a URL without white space, like http://example.org/x|1.0"),
        "code": Form(_SOLID + f"(?: {_SOLID})*", "a code without spaces at its ends, like final"),
        "date": Form(
            f"{_YEAR}(?:-{_MONTH}(?:-{_ANY_DAY[len(_MONTH) + 1 :]})?)?",
            "a date like 2024, 2024-05 or 2024-05-31",
            f"{_YEAR}(?:-(?:{_MONTH}|{_DAY}))?",
        ),
        "dateTime": Form(
            f"{_YEAR}(?:-{_MONTH}(?:-{_ANY_DAY[len(_MONTH) + 1 :]}(?:T{_CLOCK}{_ZONE})?)?)?",
            "a time like 2024-05-31 or 2024-05-31T14:30:00+02:00",
            f"{_YEAR}(?:-(?:{_MONTH}|{_DAY}(?:T{_CLOCK}{_ZONE})?))?",
        ),
        "id": Form(_ID, "1 to 64 letters, digits, - and ."),
        "instant": Form(
            f"{_YEAR}-{_ANY_DAY}T{_CLOCK}{_ZONE}",
            "a full time like 2024-05-31T14:30:00.000Z",
            f"{_YEAR}-{_DAY}T{_CLOCK}{_ZONE}",
        ),
        "markdown": Form(_TEXT, "text without control characters"),
        "oid": Form(_OID, "an OID like urn:oid:1.2.3"),
        "string": Form(_TEXT, "text without control characters"),
        "time": Form(_CLOCK, "a time of day like 14:30:00"),
        "uri": Form(_SOLID, "a URI without white space"),
        "url": Form(_SOLID, "a URL without white space"),
        "uuid": Form(_UUID, "a UUID in lower case like urn:uuid:0f0a4a2e-..."),
    }
)
_EXACT = MappingProxyType({name: re.compile(form.exact) for name, form in FORMS.items()})

RANGES: Mapping[str, tuple[int, int]] = MappingProxyType(
    {
        "integer": (-(2**31), 2**31 - 1),
        "unsignedInt": (0, 2**31 - 1),
        "positiveInt": (1, 2**31 - 1),
    }
)


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with one value: FHIR issue code and a sentence that says what to do."""

    code: str
    sentence: str


def fault(type_code: str, value: Any) -> Fault | None:
    """Return what is wrong with a primitive's value, None when nothing is."""
    if type_code == "boolean":
        return None if isinstance(value, bool) else _not_a(value, "true or false without quotes")
    if type_code == "decimal":
        return _decimal_fault(value)
    if type_code in RANGES:
        return _integer_fault(type_code, value)
    if not isinstance(value, str):
        return _not_a(value, "a JSON string")
    if not value:
        return Fault("value", "The string is empty; leave the element out.")
    if type_code == "xhtml":
        sentence = narrative.fault(value)
        return Fault("invariant", sentence) if sentence else None
    return _text_fault(type_code, value)


def schema(type_code: str) -> dict[str, Any]:
    """Return a JSON Schema that holds for plainly right values only; other right ones may fail it."""
    if type_code in ("boolean", "decimal"):
        return {"type": "boolean" if type_code == "boolean" else "number"}
    if type_code in RANGES:
        low, high = RANGES[type_code]
        return {"type": "integer", "minimum": low, "maximum": high}
    if type_code == "xhtml":
        return {"type": "string", "narrative": True}
    form = FORMS[type_code]
    result: dict[str, Any] = {"type": "string", "pattern": f"^(?:{form.plain or form.exact})$"}
    return {**result, "maxLength": LONGEST_STRING} if type_code == "string" else result


def _not_a(value: Any, expected: str) -> Fault:
    return Fault("structure", f"This is {json_name(value)}; write {expected}.")


def json_name(value: Any) -> str:
    """Return what JSON calls the value, with its article."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "a boolean"
    names = {str: "a string", int: "a number", float: "a number", Decimal: "a number"}
    return names.get(type(value), "an object" if isinstance(value, dict) else "an array")


def _decimal_fault(value: Any) -> Fault | None:
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        return _not_a(value, "a number without quotes")
    if not Decimal(value).is_finite():
        return Fault("value", "The number is not finite; leave the element out.")
    return None


def _integer_fault(type_code: str, value: Any) -> Fault | None:
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        return _not_a(value, "a whole number without quotes")
    low, high = RANGES[type_code]
    if not isinstance(value, int):
        return Fault("value", f"{value} has a fraction or an exponent; write a whole number.")
    if not low <= value <= high:
        return Fault("value", f"The {type_code} is out of range; write one of {low} to {high}.")
    return None


def _text_fault(type_code: str, value: str) -> Fault | None:
    form = FORMS[type_code]
    if not _EXACT[type_code].fullmatch(value) or not _FURTHER.get(type_code, _anything)(value):
        shown = value if len(value) <= 80 else value[:80] + "..."
        return Fault("value", f"{shown!r} is not a valid {type_code}; write {form.example}.")
    if type_code == "string" and len(value) > LONGEST_STRING:
        return Fault(
            "too-long", f"The string is too long; write at most {LONGEST_STRING} characters."
        )
    return None


def _anything(_value: str) -> bool:
    return True


def _is_on_the_calendar(value: str) -> bool:
    if len(value) < 10:  # a year or a month has no day to be wrong about
        return True
    return int(value[8:10]) <= monthrange(int(value[:4]), int(value[5:7]))[1]


def _is_base64(value: str) -> bool:
    try:
        return bool(binascii.a2b_base64("".join(value.split()).encode(), strict_mode=True))
    except ValueError:
        return False


_FURTHER: Mapping[str, Callable[[str], bool]] = MappingProxyType(
    {
        "date": _is_on_the_calendar,
        "dateTime": _is_on_the_calendar,
        "instant": _is_on_the_calendar,
        "base64Binary": _is_base64,
    }
)


def is_primitive(type_code: str) -> bool:
    """Tell whether JSON writes the type as a bare value."""
    return structures.kind(type_code) == "primitive-type"
