"""Write search values from values that resources have, and values that narrowly miss them."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from random import Random
from typing import Any

from fhir_server.definitions import value_sets
from tests.oracle import numbers, references, strings, tokens, units
from tests.oracle.escape import escaped
from tests.oracle.paths import Value, element
from tests.oracle.spans import PREFIXES

BASE = "http://localhost/fhir"
Written = tuple[str, str, str]
"""Kind, as the table of what was compared names it; modifier; text."""
Draw = Callable[[Random, Value], Written | None]


def string(random: Random, value: Value) -> Written | None:
    texts = [each for each in strings.texts([value]) if each.strip()]
    if not texts:
        return None
    text, modifier = random.choice(texts)[:120], random.choice(["", "", "contains", "exact"])
    if modifier == "contains":
        start = random.randrange(len(text))
        text = text[start : start + random.randint(1, 12)]
    elif not modifier:
        text = text[: random.randint(1, 12)]
    change = random.choice([str, str, str.upper, str.lower, _cut, strings.fold])
    text = change(text).strip()
    return (f"string:{modifier}".rstrip(":"), modifier, escaped(text)) if text else None


def _cut(text: str) -> str:
    return text[1:]


_TOKEN_FORMS = (
    *("code", "code", "both", "both", "none", "system", "not", "text", "typed", "typed", "in"),
)


def token(random: Random, value: Value) -> Written | None:
    listed = [each for each in tokens.tokens([value]) if each.code]
    if not listed:
        return None
    one = random.choice(listed)
    code, system = escaped(one.code), escaped(random.choice(sorted(one.systems)))
    if random.random() < 0.1:
        code = code.swapcase()
    form = random.choice(_TOKEN_FORMS)
    if value.type == "Identifier" and "type" in value.data and random.random() < 0.3:
        form = "typed"
    modifier = (
        random.choice(["above", "below", ""]) if form == "both" and one.systems != {""} else ""
    )
    if form == "not":
        return "token:not", "not", random.choice([code, f"{system}|{code}"])
    if form == "text":
        return _token_text(random, value)
    if form == "typed":
        return _typed(value)
    if form == "in":
        return _in(random, value)
    if form == "none" and not (one.cased and not system):
        return "token", "", f"|{code}"
    if form == "system" and system:
        return "token", "", f"{system}|"
    text = f"{system}|{code}" if form == "both" and system else code
    return f"token:{modifier}".rstrip(":"), modifier, text


def _token_text(random: Random, value: Value) -> Written | None:
    texts = list(tokens.displays([value]))
    if not texts:
        return None
    text = random.choice(texts)
    text = random.choice([text, text[:5], text.upper()[:8], text[2:9]]).strip()
    return ("token:text", "text", escaped(text)) if text else None


def _typed(value: Value) -> Written | None:
    kinds = value.data.get("type", {}).get("coding", ()) if value.type == "Identifier" else ()
    for kind in kinds:
        if "system" in kind and "code" in kind and "value" in value.data:
            parts = (kind["system"], kind["code"], value.data["value"])
            return "token:of-type", "of-type", "|".join(map(escaped, parts))
    return None


def _in(random: Random, value: Value) -> Written | None:
    modifier = random.choice(["in", "not-in"])
    bound = element(value.place)
    url = (bound.binding if bound else None) or random.choice(value_sets.urls())
    if value.type in ("ContactPoint", "Identifier", "boolean") or not value_sets.codes(url):
        return None
    return f"token:{modifier}", modifier, url


def reference(random: Random, value: Value) -> Written | None:
    if random.random() < 0.4 and value.type == "Reference" and "identifier" in value.data:
        drawn = token(random, Value("Identifier", value.data["identifier"]))
        if drawn and not drawn[1]:
            by_system = "|" if drawn[2].endswith("|") else ""
            return f"reference:identifier{by_system}", "identifier", drawn[2]
        return None
    for literal in references.literals([value], BASE):
        if not references.is_local(literal):
            text = random.choice([literal, literal.partition("|")[0]])
            return "reference", "", escaped(text)
        kind, _, id_ = literal.partition("/")
        if random.random() < 0.3:
            return "reference:[type]", kind, random.choice([id_, literal])
        text = random.choice([id_, literal, f"{BASE}/{literal}", f"Group/{id_}", f"{id_}x"])
        return "reference", "", text
    return None


def date(random: Random, value: Value) -> Written | None:
    moments = list(_moments(value.data))
    if not moments:
        return None
    moment, prefix = random.choice(moments), random.choice(["", *PREFIXES])
    zone = moment[19:].lstrip(".0123456789") if len(moment) > 10 else ""
    length = random.choice([4, 7, 10, 10, 16, 19, 40])
    if length < 16 or len(moment) < 16:
        text = moment[: min(length, 10)]
    else:
        text = moment if length == 40 else moment[:length] + random.choice([zone, ""])
    if random.random() < 0.3 and text[:4] < "2900":
        text = f"{int(text[:4]) + random.choice([-1, 1])}{text[4:].replace('02-29', '02-28')}"
    return f"date {prefix or 'eq'}", "", prefix + text


def _moments(data: Any) -> list[str]:
    if isinstance(data, str):
        return [data]
    bounds = data.get("repeat", {}).get("boundsPeriod", {})
    written = [*data.get("event", ()), *(each.get(end) for each in (data, bounds) for end in _ENDS)]
    return [each for each in written if isinstance(each, str)]


_ENDS = ("start", "end")


def number(random: Random, value: Value) -> Written | None:
    if value.type == "Range":
        return None
    prefix, text = _number(random, value.data)
    return (f"number {prefix or 'eq'}", "", prefix + text) if text else None


_ORDINARY = 12


def _number(random: Random, data: Any) -> tuple[str, str]:
    """Return prefix and number; "" for a number that is too large to be asked for."""
    prefix = random.choice(["", *PREFIXES])
    exact = Decimal(str(data))
    if abs(exact.adjusted()) > _ORDINARY:
        return prefix, ""
    change = random.choice(["", "", "", "round", "more", "add", "exponent", "edge"])
    if change == "edge":  # what just does not round to the number any more
        finest = int(exact.as_tuple().exponent)
        exact = (exact - Decimal(5).scaleb(finest)).quantize(Decimal(1).scaleb(finest + 1))
        return prefix, f"{exact:f}" if finest < 0 else f"{exact:e}"
    if change == "round":
        exact = exact.quantize(Decimal(10) ** random.choice([-1, 0, 0, 1]))
    if change == "more":
        exact = exact.quantize(Decimal("0.0001"))
    if change == "add":
        exact += random.choice([Decimal("-0.4"), Decimal("0.5"), Decimal(1), Decimal(-10)])
    return prefix, f"{exact:e}" if change == "exponent" else f"{exact:f}"


def quantity(random: Random, value: Value) -> Written | None:
    found = numbers.amount(value)
    if found is None:
        return None
    ends = [end for end in (found.span.first, found.span.last) if abs(end) != float("inf")]
    end = random.choice(ends)
    prefix, text = _number(random, Decimal(end.numerator) / Decimal(end.denominator))
    if not text:
        return None
    form, kind = random.choice(["", "code", "both", "both", "other"]), "quantity"
    if form == "code" and (found.code or found.unit):
        text += f"||{escaped(random.choice([each for each in (found.code, found.unit) if each]))}"
    elif form == "both" and found.code and found.system:
        text += f"|{escaped(found.system)}|{escaped(found.code)}"
        kind = "quantity:ucum" if found.system == units.UCUM else kind
    elif form == "other" and found.system == units.UCUM:
        kind, text = "quantity:ucum", _in_other_unit(random, end, found.code)
        if not text:
            return None
    return f"{kind} {prefix or 'eq'}", "", prefix + text


def _in_other_unit(random: Random, number: numbers.Bound, code: str) -> str:
    ours = units.in_base_units(code)
    sizes = {other: units.in_base_units(other) for other in _OTHERS}
    fitting = [each for each in sizes.items() if ours and each[1] and each[1][0] == ours[0]]
    if not ours or not fitting:
        return ""
    other, theirs = random.choice(fitting)
    converted = number * ours[1] / (theirs[1] if theirs else 1)
    exact = Decimal(converted.numerator) / Decimal(converted.denominator)
    digits = random.choice([2, 3, 6])
    return f"{exact:.{digits}g}|{escaped(units.UCUM)}|{other}"


_OTHERS = ("g", "kg", "mg", "ug", "L", "mL", "dL", "cm", "m", "mm", "g/L", "mg/L", "g/dL", "mmol/L",
           "umol/L", "min", "h", "d", "s", "wk", "mo", "a", "/s", "/min", "kg/m2")  # fmt: skip


def uri(random: Random, value: Value) -> Written | None:
    text, modifier = value.data, random.choice(["", "", "above", "below"])
    if modifier == "above":
        text += random.choice(["", "/x", "x"])
    elif modifier == "below":
        text = "/".join(text.split("/")[: random.randint(3, 9)])
    elif random.random() < 0.4:
        text = random.choice([text.partition("|")[0], text[:-1], f"{text}/"])
    return (f"uri:{modifier}".rstrip(":"), modifier, escaped(text)) if text else None


DRAWS: dict[str, Draw] = {
    "string": string,
    "token": token,
    "reference": reference,
    "date": date,
    "number": number,
    "quantity": quantity,
    "uri": uri,
}
