"""The plan of a search in words, as a Parameters resource; for `_explain=true`."""

from __future__ import annotations

from collections.abc import Sequence

from fhir_server.codec import Resource, encode
from fhir_server.storage.plans import Explained, Plan


def parameters(whole: Plan, conditions: Sequence[Explained]) -> bytes:
    """Return the resource's text: the whole search first, then each condition on its own."""
    said = [_part("search", "", whole), *(_condition(each) for each in conditions)]
    return encode({"resourceType": "Parameters", "parameter": said})


def _condition(explained: Explained) -> Resource:
    found = _part("condition", explained.name, explained.plan)
    if explained.advice:
        found["part"].append({"name": "advice", "valueString": explained.advice})
    return found


def _part(name: str, parameter: str, plan: Plan) -> Resource:
    stated = [{"name": "parameter", "valueString": parameter}] if parameter else []
    return {
        "name": name,
        "part": [
            *stated,
            {"name": "answeredBy", "valueString": _sources(plan)},
            {"name": "estimatedRows", "valueInteger": min(plan.rows, 2**31 - 1)},
            {"name": "estimatedCost", "valueDecimal": plan.cost},
        ],
    }


def _sources(plan: Plan) -> str:
    read = [f"all rows of {name}" for name in plan.scans]
    return "; ".join([*plan.indexes, *read]) or "no index: nothing is looked up"
