"""What a search cannot mean is 400 or 414, its outcome names the parameter, and nothing is a fault."""

from __future__ import annotations

from urllib.parse import quote, urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.examples import a_patient
from tests.http import Answer, Client

FORM = "application/x-www-form-urlencoded"
MEGABYTE = 1_000_000
FUZZ = settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def asked(client: Client, type_: str, name: str, value: str) -> Answer:
    return client.get(f"{type_}?{quote(name, safe=':.')}={quote(value, safe='')}")


def posted(client: Client, type_: str, *pairs: tuple[str, str]) -> Answer:
    return client.post(f"{type_}/_search", urlencode(pairs).encode(), content_type=FORM)


@pytest.mark.parametrize(
    ("type_", "name", "value", "named"),
    [
        # dates
        ("Patient", "birthdate", "soon", "birthdate"),
        ("Patient", "birthdate", "2020-13", "birthdate"),
        ("Patient", "birthdate", "2021-02-29", "birthdate"),
        ("Patient", "birthdate", "20200101", "birthdate"),
        ("Patient", "birthdate", "2020-1-1", "birthdate"),
        ("Patient", "birthdate", "2020-01-01T25:00", "birthdate"),
        ("Patient", "birthdate", "2020-01-01T10:00:00+2", "birthdate"),
        ("Patient", "birthdate", "0000", "birthdate"),
        ("Patient", "birthdate", "\u0662\u0660\u0662\u0660", "birthdate"),
        ("Patient", "birthdate", "ge", "birthdate"),
        ("Patient", "birthdate", "gege2020", "birthdate"),
        ("Patient", "birthdate", "xx2020", "birthdate"),
        ("Patient", "birthdate", "GE2020", "birthdate"),
        ("Patient", "birthdate", "", "birthdate"),
        ("Patient", "birthdate", "2020,,2021", "birthdate"),
        ("Patient", "_lastUpdated", "yesterday", "_lastUpdated"),
        # numbers and quantities
        ("RiskAssessment", "probability", "half", "probability"),
        ("RiskAssessment", "probability", "lt", "probability"),
        ("RiskAssessment", "probability", "0,5,", "probability"),
        ("RiskAssessment", "probability", "NaN", "probability"),
        ("RiskAssessment", "probability", "Infinity", "probability"),
        ("RiskAssessment", "probability", "1e999", "probability"),
        ("RiskAssessment", "probability", "1_000", "probability"),
        ("RiskAssessment", "probability", "9" * 500, "probability"),
        ("Observation", "value-quantity", "mg", "value-quantity"),
        ("Observation", "value-quantity", "1|mg", "value-quantity"),
        ("Observation", "value-quantity", "1|a|b|c", "value-quantity"),
        ("Observation", "value-quantity", "|a|b", "value-quantity"),
        # tokens, references
        ("Observation", "code", "a|b|c", "code"),
        ("Observation", "code", "|", "code"),
        ("Observation", "subject:Patient", "Group/1", "subject"),
        ("Observation", "subject:Patiet", "1", "subject"),
        ("Observation", "subject:identifier", "a|b|c", "subject"),
        ("Observation", "subject:identifier", "|", "subject"),
        # modifiers, names, chains
        ("Patient", "birthdate:exact", "2020", "birthdate"),
        ("Patient", "family:exat", "x", "family"),
        ("Patient", "family:contains:exact", "x", "family"),
        ("Patient", "gender:above:below", "x", "gender"),
        ("Patient", "gender:missing", "maybe", "gender"),
        ("Patient", "_id:missing", "true", "_id"),
        ("Patient", "_id:in", "1", "_id"),
        ("Patient", "famly", "x", "famly"),
        ("Patient", "Family", "x", "Family"),
        ("Patient", "", "x", "''"),
        ("Patient", ".", "x", "''"),
        ("Patient", ":", "x", "''"),
        ("Patient", "organization.", "x", "organization"),
        ("Patient", "organization..name", "x", "organization"),
        ("Patient", "family.name", "x", "family"),
        ("Patient", "organization:Organisation.name", "x", "Organisation"),
        ("Patient", "_has:Observation:patient:", "x", "_has"),
        ("Patient", "_has:::", "x", "_has"),
        ("Patient", "_has:Observation:patient:cod", "x", "cod"),
        ("Organization", ".".join(["partof"] * 200) + ".name", "x", "partof"),
        ("Patient", "_has:Observation:patient:" * 50 + "code", "x", "_has"),
        # controls
        ("Patient", "_count", "-1", "_count"),
        ("Patient", "_count", "many", "_count"),
        ("Patient", "_count", "1.5", "_count"),
        ("Patient", "_sort", "famly", "_sort"),
        ("Patient", "_sort", "-", "_sort"),
        ("Patient", "_sort", "family,,birthdate", "_sort"),
        ("Patient", "_sort", ",".join(["family"] * 21), "_sort"),
        ("Patient", "_sort", "_filter", "_filter"),
        ("Patient", "_total", "all", "_total"),
        ("Patient", "_include", "Patient", "_include"),
        ("Patient", "_include", "Patient:gender", "_include"),
        ("Patient", "_include", "Patient:gendr", "_include"),
        ("Patient", "_include:recursive", "Patient:organization", "_include"),
        ("Patient", "_page", "forged", "_page"),
    ],
    ids=lambda value: value[:30],
)
def test_what_means_nothing_is_refused_by_name(
    client: Client, type_: str, name: str, value: str, named: str
) -> None:
    answer = asked(client, type_, name, value)
    assert answer.status == 400
    assert named in answer.said


@pytest.mark.parametrize(
    ("type_", "name", "value"),
    [
        ("Patient", "birthdate", "le2020-01-01T10:00:00+02:00"),
        ("Patient", "birthdate", "9999-12-31"),
        ("Patient", "birthdate", "0001"),
        ("Patient", "_lastUpdated", "ap0001"),
        ("Patient", "gender", "ge"),
        ("Patient", "gender", "ge2020"),
        ("Patient", "family", "ge"),
        ("Patient", "_id:not", "1"),
        ("Observation", "subject:identifier", "a|"),
        ("Observation", "code", "http://loinc.org|"),
        ("Observation", "subject", "not/a/reference"),
        ("Observation", "subject", "https://elsewhere.example/Patient/1"),
        ("Observation", "value-quantity", "ne1e-99|http://unitsofmeasure.org|mg"),
        ("RiskAssessment", "probability", "-0"),
        ("Patient", "family", "\\"),
        ("Patient", "family", "a\\"),
        ("Patient", "family", "%_'\"; --"),
        ("Patient", "family", "\U0010ffff\ud7ff\ue000\u0301"),
    ],
    ids=lambda value: value[:30],
)
def test_what_only_looks_wrong_is_searched_for(
    client: Client, type_: str, name: str, value: str
) -> None:
    assert asked(client, type_, name, value).status == 200


def test_ten_thousand_values_are_taken_and_more_are_refused(client: Client) -> None:
    client.stored(a_patient(id="p1", gender="female"))
    values = [str(number) for number in range(9_999)]
    taken = posted(client, "Patient", ("gender", ",".join(["female", *values])))
    assert [entry["resource"]["id"] for entry in taken.json["entry"]] == ["p1"]
    refused = posted(client, "Patient", ("gender", ",".join(["x"] * 10_001)))
    assert (refused.status, "more than 10000 values" in refused.said) == (400, True)


@pytest.mark.parametrize("name", ["family", "gender", "_id", "subject", "birthdate", "_filter"])
def test_a_megabyte_of_query_is_414_by_get(client: Client, name: str) -> None:
    answer = client.get(f"Patient?{name}={'x' * MEGABYTE}")
    assert answer.status == 414
    assert "POST _search" in answer.said


@pytest.mark.parametrize(
    ("type_", "name", "value", "named"),
    [
        ("Patient", "birthdate", "9" * MEGABYTE, "birthdate"),
        ("Patient", "birthdate", "2020," * (MEGABYTE // 5), "birthdate"),
        ("RiskAssessment", "probability", "9" * MEGABYTE, "probability"),
        ("Patient", "x" * MEGABYTE, "1", "Patient has no search parameter"),
        ("Patient", "family:" + "x" * MEGABYTE, "1", "family"),
        ("Organization", "partof." * (MEGABYTE // 7) + "name", "1", "partof"),
        ("Patient", "_has:Observation:patient:" * (MEGABYTE // 25) + "code", "1", "_has"),
        ("Patient", "_filter", "(" * MEGABYTE, "_filter"),
        ("Patient", "_filter", "family eq x or " * (MEGABYTE // 15), "_filter"),
        ("Patient", "_sort", "family," * (MEGABYTE // 7), "_sort"),
        ("Patient", "_count", "9" * MEGABYTE, "_count"),
    ],
    ids=lambda value: value[:30],
)
def test_a_megabyte_of_form_that_means_nothing_is_refused_by_name(
    client: Client, type_: str, name: str, value: str, named: str
) -> None:
    answer = posted(client, type_, (name, value))
    assert answer.status == 400
    assert named in answer.said
    assert len(answer.said) < 2_000


@pytest.mark.parametrize(("name", "value"), [("family", "x"), ("gender", "x"), ("_id", "x")])
def test_a_megabyte_of_one_value_finds_nothing(client: Client, name: str, value: str) -> None:
    answer = posted(client, "Patient", (name, value * MEGABYTE))
    assert answer.status in (200, 400)


def test_a_thousand_comparisons_and_a_wide_chain_are_answered(client: Client) -> None:
    text = " or ".join(f"family co x{number}" for number in range(1000))
    assert posted(client, "Patient", ("_filter", text)).status == 200
    assert asked(client, "List", "item.subject.name", "x").status in (200, 403)


NAMES = st.sampled_from(
    ["family", "gender", "birthdate", "_id", "_lastUpdated", "identifier", "organization", "_list",
     "_filter", "_has:Observation:patient:value-quantity", "organization.name", "_count", "_sort",
     "_total", "_include", "_page", "_query", "_has", "link:missing"]
)  # fmt: skip
MODIFIERS = st.sampled_from(
    ["", ":not", ":missing", ":exact", ":of-type", ":Patient", ".name", ".", ":"]
)
VALUES = st.text(max_size=12) | st.text(alphabet="\\,|$:-+0123456789geltTZ.() \"'", max_size=12)


@FUZZ
@given(name=NAMES, modifier=MODIFIERS, value=VALUES)
def test_any_value_of_any_parameter_is_answered(
    client: Client, name: str, modifier: str, value: str
) -> None:
    for answer in (
        asked(client, "Patient", name + modifier, value),
        posted(client, "Patient", (name + modifier, value)),
    ):
        assert answer.status in (200, 400, 403)
        assert answer.status == 200 or answer.issues
