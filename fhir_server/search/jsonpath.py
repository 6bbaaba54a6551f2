"""Sort values that no index holds, read out of a resource's JSON: by PostgreSQL and in Python alike.

https://www.postgresql.org/docs/current/functions-json.html#FUNCTIONS-SQLJSON-PATH
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from fhir_server.codec import Resource
from fhir_server.search.paths import Filter, Path
from fhir_server.search.writer import Writer

# Of a value that is no plain text: what a token or reference is sorted by.
_TEXT_OF = {
    "CodeableConcept": (("coding", "code"),),
    "Coding": (("code",),),
    "Identifier": (("value",),),
    "ContactPoint": (("value",),),
    "Reference": (("reference",),),
}


def extremes(paths: Sequence[Path], content: str, greatest: bool, writer: Writer) -> str:
    """Return SQL for the least or greatest text at the paths of the JSON text `content`."""
    if any(path.type == "truth" for path in paths):
        return _truth(paths, content, writer)
    kind = "max" if greatest else "min"
    found = " UNION ALL ".join(
        f"SELECT v #>> '{{}}' AS t FROM jsonb_path_query({content}::jsonb,"
        f" {writer.bind(expression)}::jsonpath) AS v"
        for expression in dict.fromkeys(_expressions(paths))
    )
    return f'(SELECT {kind}(t COLLATE "C") FROM ({found}) AS texts)'


def _truth(paths: Sequence[Path], content: str, writer: Writer) -> str:
    """Return SQL for whether anything but false is there: what `x.exists() and x != false` says."""
    holds = " OR ".join(
        f"jsonb_path_exists({content}::jsonb, {writer.bind(expression)}::jsonpath)"
        for expression in (
            f'{each} ? (@.type() != "boolean" || @ == true)' for each in _expressions(paths)
        )
    )
    return f"(CASE WHEN {holds} THEN 'true' ELSE 'false' END)"


def _expressions(paths: Sequence[Path]) -> Iterator[str]:
    for path in paths:
        for names in _TEXT_OF.get(path.type, ((),)):
            steps = [_step(name, condition) for name, condition in path.steps]
            yield "lax $" + "".join([*steps, *(f".{json.dumps(name)}[*]" for name in names)])


def _step(name: str, condition: Filter | None) -> str:
    written = f".{json.dumps(name)}"
    if condition is None:
        return written + "[*]"
    if condition.kind == "first":
        return written + "[0]"
    if condition.kind == "equal":
        return f"{written}[*] ? (@.{json.dumps(condition.name)} == {json.dumps(condition.value)})"
    if condition.kind == "target":
        pattern = json.dumps(f"(^|/){condition.name}/[^/]+(/_history/[^/]+)?$")
        return f"{written}[*] ? (@.reference like_regex {pattern})"
    return f"{written}[*] ? (@.extension[*].url == {json.dumps(condition.name)})"


def texts(paths: Sequence[Path], resource: Resource) -> Iterator[str]:
    """Yield what `extremes` compares, of a decoded resource."""
    if any(path.type == "truth" for path in paths):
        choice = [path.steps[0][0] for path in paths]
        yield "true" if any(resource.get(name, False) is not False for name in choice) else "false"
        return
    for path in paths:
        for names in _TEXT_OF.get(path.type, ((),)):
            steps = [*path.steps, *((name, None) for name in names)]
            yield from _walk([resource], steps)


def _walk(items: Sequence[Any], steps: Sequence[tuple[str, Filter | None]]) -> Iterator[str]:
    if not steps:
        for item in items:
            if not isinstance(item, (dict, list)) and item is not None:
                yield item if isinstance(item, str) else json.dumps(item, default=str)
        return
    (name, condition), *rest = steps
    for item in items:
        below = item.get(name) if isinstance(item, dict) else None
        if below is not None:
            listed = below if isinstance(below, list) else [below]
            yield from _walk([each for each in listed if _holds(each, condition, listed)], rest)


def _holds(item: Any, condition: Filter | None, listed: Sequence[Any]) -> bool:
    if condition is None:
        return True
    if condition.kind == "first":
        return item is listed[0]
    if condition.kind == "equal":
        return bool(item.get(condition.name) == condition.value)
    if condition.kind == "target":
        parts = str(item.get("reference", "")).partition("/_history/")[0].split("/")
        return len(parts) > 1 and parts[-2] == condition.name
    return any(each.get("url") == condition.name for each in item.get("extension", ()))
