"""Read the parameters of a search as a Query, https://hl7.org/fhir/R4/search.html."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from types import MappingProxyType
from typing import TypeVar

from fhir_server.definitions import structures
from fhir_server.errors import InvalidParameter, NotSupported
from fhir_server.search.across import across
from fhir_server.search.conditions import CONTROLS, IGNORED, read_condition
from fhir_server.search.escape import split
from fhir_server.search.fields import Field, shares
from fhir_server.search.query import (
    DEFAULT_COUNT,
    LARGEST_COUNT,
    Condition,
    Contained,
    ContainedType,
    Include,
    Query,
    Sort,
    Total,
)
from fhir_server.search.reading import R4, Reading, Terminology
from fhir_server.search.types import token
from fhir_server.search.values import find_field, nearest

_TOTALS: Mapping[str, Total] = MappingProxyType(
    {"none": "none", "estimate": "estimate", "accurate": "accurate"}
)
_CONTAINED: Mapping[str, Contained] = MappingProxyType(
    {"false": "false", "true": "true", "both": "both"}
)
_CONTAINED_TYPES: Mapping[str, ContainedType] = MappingProxyType(
    {"container": "container", "contained": "contained"}
)
_Word = TypeVar("_Word")
_MOST_PARAMETERS = 100
_MOST_VALUES = 10_000
_MOST_READ = 50_000
"""Values times types: what one request may keep a whole worker busy with."""
_MOST_KEYS = 20
_WIDE = tuple(f":{modifier}" for modifier in token.WIDE)
_MOST_WIDE = 100


def parse(
    resource_type: str,
    pairs: Iterable[tuple[str, str]],
    *,
    base_url: str = "",
    now: datetime | None = None,
    terminology: Terminology = R4,
) -> Query:
    """Return the query; InvalidParameter names what is unknown, unsupported or cannot be read.

    pairs: decoded names and values in order; base_url has no final slash; now is for prefix `ap`;
    terminology is for :in, :not-in, :above and :below.
    """
    return parse_all((resource_type,), pairs, base_url=base_url, now=now, terminology=terminology)


def parse_all(
    types: Sequence[str],
    pairs: Iterable[tuple[str, str]],
    *,
    base_url: str = "",
    now: datetime | None = None,
    terminology: Terminology = R4,
) -> Query:
    """Return the query over several types; each parameter has to be one of all of them."""
    for name in types:
        if not structures.is_resource_type(name):
            raise NotSupported(f"{name!r} is no resource type of FHIR R4.")
    listed = list(pairs)
    refuse_many(types, listed)
    _refuse_nul(listed)
    _refuse_wide(listed)
    reading = Reading(base_url, _microseconds(now or datetime.now(UTC)), terminology)
    query = Query(
        types=tuple(types),
        conditions=tuple(
            _condition(types, name, text, reading)
            for name, text in listed
            if name.partition(":")[0] not in (*CONTROLS, *IGNORED)
        ),
        sort=_sort(types, _last(listed, "_sort")),
        count=_count(_last(listed, "_count")),
        total=_one_of(_TOTALS, "_total", listed, "none"),
        includes=_includes(listed, "_include"),
        revincludes=_includes(listed, "_revinclude"),
        contained=_one_of(_CONTAINED, "_contained", listed, "false"),
        contained_type=_one_of(_CONTAINED_TYPES, "_containedType", listed, "container"),
    )
    if query.contained != "false" and (query.includes or query.revincludes):
        message = "_include and _revinclude are not followed with _contained; ask for them in a search without it."
        raise InvalidParameter(message, "_contained")
    return query


def refuse_many(types: Sequence[str], pairs: Sequence[tuple[str, str]]) -> None:
    """Raise InvalidParameter when there is more to read than a search needs, before it is read."""
    if len(pairs) > _MOST_PARAMETERS:
        message = f"A search takes {_MOST_PARAMETERS} parameters at most, not {len(pairs)}."
        raise InvalidParameter(message)
    values = 0
    for name, text in pairs:
        values += text.count(",") + 1  # of which some may be escaped: that is as long to read
        if values > _MOST_VALUES:
            message = f"With {name!r} the search has more than {_MOST_VALUES} values; ask in parts."
            raise InvalidParameter(message, name)
    if values * len(types) > _MOST_READ:
        raise InvalidParameter(
            f"A search over {len(types)} types takes {_MOST_READ // len(types)} values at most, "
            f"not {values}; name fewer types in _type, or ask in parts.",
            "_type",
        )


def _refuse_nul(pairs: Sequence[tuple[str, str]]) -> None:
    """PostgreSQL takes no NUL, and terms are joined by it."""
    for name, text in pairs:
        if "\0" in name or "\0" in text:
            raise InvalidParameter("A parameter holds the character NUL (U+0000).")


def _refuse_wide(pairs: Sequence[tuple[str, str]]) -> None:
    wide = sum(len(split(text, ",")) for name, text in pairs if name.endswith(_WIDE))
    if wide > _MOST_WIDE:
        message = f"A search takes {_MOST_WIDE} values with {', '.join(_WIDE)} at most, not {wide}."
        raise InvalidParameter(message)


def _microseconds(moment: datetime) -> int:
    return int(moment.timestamp()) * 1_000_000


def _condition(types: Sequence[str], name: str, text: str, reading: Reading) -> Condition:
    # A comma in a _filter joins nothing.
    values = (text,) if name == "_filter" else split(text, ",")
    with _naming(name):
        read = [read_condition(each, name, text, reading) for each in types]
    return Condition(name, values, across(types, read))


@contextmanager
def _naming(name: str) -> Iterator[None]:
    """Let what is refused within say which parameter of the request it is about.

    Those who read values do not know it, least of all at the end of a chain.
    """
    try:
        yield
    except InvalidParameter as error:
        code = name.partition(":")[0].partition(".")[0]
        said = (repr(code), f"'{code}:", f"'{code}.", f"{code}:", f"{code}=")
        if not any(each in error.diagnostics for each in said):
            error.diagnostics = f"Parameter {name!r}: {error.diagnostics}"
        if name in CONTROLS:
            error.expression = name
        raise


def _last(pairs: Sequence[tuple[str, str]], name: str) -> str | None:
    """Return the last value: R4 leaves open what a repeated control parameter means."""
    return next((text for key, text in reversed(pairs) if key == name), None)


def _count(text: str | None) -> int:
    if text is None:
        return DEFAULT_COUNT
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise InvalidParameter(f"_count has to be a whole number from 0, not {text!r}.")
    return min(int(text), LARGEST_COUNT)


def _one_of(
    words: Mapping[str, _Word], name: str, pairs: Sequence[tuple[str, str]], default: _Word
) -> _Word:
    text = _last(pairs, name)
    if text is None:
        return default
    if text not in words:
        *others, last = words
        listed = f"{', '.join(others)} or {last}"
        raise InvalidParameter(f"{name} has to be {listed}, not {text!r}.", name)
    return words[text]


def _sort(types: Sequence[str], text: str | None) -> tuple[Sort, ...]:
    if text is None:
        return ()
    written = text.split(",")
    if len(written) > _MOST_KEYS:
        raise InvalidParameter(f"_sort has more than {_MOST_KEYS} keys.", "_sort")
    with _naming("_sort"):
        keys = [_sort_key(types[0], part) for part in written]
    if len(types) > 1 and any(key.type not in ("id", "updated") for key in keys):
        raise InvalidParameter("_sort over several types takes _lastUpdated and _id only.", "_sort")
    return tuple(keys)


def _sort_key(resource_type: str, text: str) -> Sort:
    code, descending = text.removeprefix("-"), text.startswith("-")
    field = find_field(resource_type, code)
    if code == "_id":
        return Sort(code, "id", field.param, descending)
    if code == "_lastUpdated":
        return Sort(code, "updated", field.param, descending)
    if field.expression and field.type in ("token", "reference", "uri"):
        raise InvalidParameter(
            f"_sort by {code!r} is not possible: its expression is no plain path of elements."
        )
    if field.type == "quantity" and (parts := shares(field)):
        listed = " or ".join(each.code for each in parts)
        raise InvalidParameter(f"_sort by {code!r} is not possible; sort by {listed}.")
    match field.type:
        case "date":
            return Sort(code, "date", field.param, descending, field.present)
        case "number" | "quantity":
            return Sort(code, "number", field.param, descending, field.present)
        case "string":
            return Sort(code, "string", field.param, descending, field.present)
        case "token" | "reference" | "uri":
            return Sort(code, "text", field.param, descending, field.present, field.paths)
    raise InvalidParameter(f"_sort by the {field.type} parameter {code!r} means nothing.")


def _includes(pairs: Sequence[tuple[str, str]], control: str) -> tuple[Include, ...]:
    found: list[Include] = []
    for name, text in pairs:
        code, _, modifier = name.partition(":")
        if code == control:
            # STU3's name of :iterate is still common in clients.
            if modifier not in ("", "iterate", "recurse"):
                raise InvalidParameter(f"{control} does not support :{modifier}.")
            with _naming(control):
                found.append(_include(control, text, iterate=bool(modifier)))
    return tuple(found)


def _include(control: str, text: str, *, iterate: bool) -> Include:
    source, _, rest = text.partition(":")
    code, _, target = rest.partition(":")
    if text == "*":
        return Include("*", "*", "", iterate)
    if not source or not code:
        raise InvalidParameter(
            f"Write {control}={text!r} as Type:parameter or Type:parameter:Target."
        )
    for kind in (source, target) if target else (source,):
        if not structures.is_resource_type(kind):
            hint = nearest(kind, structures.resource_types())
            raise InvalidParameter(f"{kind!r} in {control} is no resource type.{hint}")
    if code != "*":
        _refuse_include(control, find_field(source, code), target)
    return Include(source, code, target, iterate)


def _refuse_include(control: str, field: Field, target: str) -> None:
    if field.type != "reference":
        raise InvalidParameter(
            f"{control} needs a reference; {field.code!r} of {field.resource_type} is none."
        )
    if target and field.targets and target not in field.targets:
        listed = ", ".join(field.targets)
        raise InvalidParameter(
            f"{control}: {field.code!r} of {field.resource_type} never refers to a {target}, "
            f"but to {listed}."
        )
