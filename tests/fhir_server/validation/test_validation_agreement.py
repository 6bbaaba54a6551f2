"""Fast lane and exact walk agree, nothing raises, and every R4 invariant has a place."""

from __future__ import annotations

import copy
import random
import tarfile
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fhir_server import codec
from fhir_server.definitions import constraints, structures
from fhir_server.validation import bundles, fhirpath_rules, invariants, rules, structure, validate
from fhir_server.validation.plain import is_plain
from tests.fhir_server.validation.broken import BROKEN
from tests.fhir_server.validation.rows import observation, patient

EXAMPLES = Path(__file__).resolve().parents[4] / "shared" / "data" / "r4-examples.tar.gz"

ODD: tuple[Any, ...] = (
    None,
    True,
    0,
    -1,
    1.5,
    "",
    "x",
    " a ",
    "#x",
    "2023-02-30",
    [],
    {},
    [[]],
    [None],
    {"a": 1},
    ["x"],
)


@cache
def _examples() -> tuple[bytes, ...]:
    """Return HL7's small examples, or ours where HL7's are not at hand."""
    if not EXAMPLES.exists():
        return (codec.encode(patient(name=[{"given": ["a"]}])), codec.encode(observation()))
    with tarfile.open(EXAMPLES) as members:
        opened = [
            members.extractfile(member) for member in members if member.name.endswith(".json")
        ]
        texts = [file.read() for file in opened if file]
    return tuple(text for text in texts if len(text) < 20_000)


def _places(node: Any) -> list[tuple[Any, Any]]:
    pairs = list(node.items() if isinstance(node, dict) else enumerate(node))
    inner = [
        place for _, value in pairs if isinstance(value, dict | list) for place in _places(value)
    ]
    return [(node, key) for key, _ in pairs] + inner


def _mutate(resource: Any, chance: random.Random) -> None:
    holder, key = chance.choice(_places(resource))
    change = chance.choice(("drop", "rename", "retype", "repeat", "copy"))
    if change == "drop":
        del holder[key]
    elif change == "rename" and isinstance(holder, dict):
        holder[chance.choice((f"_{key}", f"{key}x", key[1:], "value", "extension", "id"))] = (
            holder.pop(key)
        )
    elif change == "repeat":
        holder[key] = [holder[key], holder[key]]
    elif change == "copy":
        other, name = chance.choice(_places(resource))
        holder[key] = copy.deepcopy(other[name])
    else:
        holder[key] = copy.deepcopy(chance.choice(ODD))


@given(which=st.integers(0, 10**6), seed=st.integers(0, 10**9), times=st.integers(1, 4))
@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_mutated_examples_never_raise_and_both_lanes_agree(
    which: int, seed: int, times: int
) -> None:
    resource = codec.decode(_examples()[which % len(_examples())])
    chance = random.Random(seed)
    for _ in range(times):
        if _places(resource):
            _mutate(resource, chance)
    issues = structure.explain(resource)
    assert not (issues and is_plain(resource)), issues
    assert validate(resource) == issues


@given(
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers()
        | st.text(max_size=5)
        | st.sampled_from(("Patient", "#a")),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(("resourceType", "id", "contained", "entry", "name", "_id", "x")),
                inner,
            )
        ),
        max_leaves=20,
    )
)
@settings(max_examples=200, deadline=None)
def test_any_json_gives_issues_and_no_exception(value: Any) -> None:
    assert isinstance(validate(value), list)


@pytest.mark.parametrize("row", BROKEN, ids=lambda row: row.name)
def test_fast_lane_refuses_what_the_walk_refuses(row: Any) -> None:
    assert not is_plain(row.resource)


def _declared() -> list[constraints.Constraint]:
    rows = [row for path in constraints.paths() for row in constraints.constraints(path)]
    return [row for row in rows if row.severity == "error"]


def test_every_error_constraint_has_exactly_one_place() -> None:
    for row in _declared():
        place = (row.path, row.key)
        in_tables = {rule.key for rule in rules.rules(row.path)} | {
            check.key
            for table in (invariants.CHECKS, bundles.CHECKS)
            for check in table.get(row.path, ())
        }
        homes = [
            row.key in in_tables,
            place in fhirpath_rules.SKIPPED,
            place in fhirpath_rules.BUILT_IN,
            row in fhirpath_rules.rules(row.path),
        ]
        assert homes.count(True) == 1, place


def test_our_tables_name_only_constraints_of_r4() -> None:
    declared = {(row.path, row.key) for row in _declared()}
    presence = {(path, rule.key) for path in constraints.paths() for rule in rules.rules(path)}
    checks = {
        (path, check.key)
        for table in (invariants.CHECKS, bundles.CHECKS)
        for path, found in table.items()
        for check in found
    }
    assert presence | checks | set(fhirpath_rules.SKIPPED) | fhirpath_rules.BUILT_IN <= declared


def test_tables_name_only_elements_of_r4() -> None:
    for path in constraints.paths():
        for rule in (found for found in rules.rules(path) if found.kind != "never"):
            known = {name.removesuffix("[x]") for name in structures.elements(path)}
            assert known.issuperset((*rule.names, *rule.others)), rule


def test_every_fhirpath_expression_can_be_evaluated() -> None:
    for path in constraints.paths():
        for row in fhirpath_rules.rules(path):
            focus = fhirpath_rules._focus({}, path)
            fhirpath_rules._compiled(row.expression)(focus, {"resource": {}, "rootResource": {}})
