"""Whatever is searched for, by whatever door: an answer or an outcome that names what was wrong."""

from __future__ import annotations

import json
import re
from urllib.parse import quote, urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fhir_server.context import Store
from fhir_server.definitions import compartments, structures
from fhir_server.rest.call import Limits
from fhir_server.search.fields import fields
from fhir_server.search.filter_grammar import OPERATORS
from tests.examples import a_patient, an_observation
from tests.fhir_server.conftest import Connect
from tests.http import Answer, Client

pytestmark = pytest.mark.slow

FUZZ = settings(
    max_examples=600,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
FORM = "application/x-www-form-urlencoded"
USUAL = ("Patient", "Observation", "Encounter", "Location", "List", "ValueSet", "Bundle")
TYPES = st.sampled_from(USUAL) | st.sampled_from(structures.resource_types())
JUNK = st.text(max_size=8) | st.sampled_from(
    ["", ".", ":", "_", "$", "_has", "_has:", "_has:::", "a.b.c", "name.", ".name", "name:", "_contained",
     "_containedType", "_query", "colour", "name:exact:exact", "%s", "%(p0)s", "x" * 5000, "'; --"]
)  # fmt: skip
MODIFIERS = st.sampled_from(
    ["missing", "exact", "contains", "not", "text", "in", "not-in", "above", "below", "of-type",
     "identifier", "Patient", "Device", "iterate", "Not", "", "nothing"]
)  # fmt: skip
DATES = st.builds(
    "{}{}".format,
    st.sampled_from(["", "eq", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap", "zz", "-", "+"]),
    st.sampled_from(
        ["2020", "2020-02", "2020-02-30", "2020-13", "0000", "0001-01-01", "9999", "9999-12-31T23:59:59.999Z",
         "2020-01-01T24:00Z", "2020-01-01T10:00:00+14:00", "2020-01-01T10:00:00+99:00", "2020-01-01T10",
         "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:60-14:00", "20200101", "2020-W01", "now", ""]
    )
    | st.dates().map(str)
    | st.datetimes().map(lambda each: each.isoformat()),
)  # fmt: skip
NUMBERS = st.builds(
    "{}{}{}".format,
    st.sampled_from(["", "eq", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap"]),
    st.sampled_from(
        ["0", "-0", "1e2", "1e400", "-1e400", "1e-400", "1E+9999999999", "NaN", "Infinity", "-", ".", "1.", "٣",
         "100.00", "9" * 400, "0." + "0" * 400 + "1", "1_000", "0x10", " 1"]
    )
    | st.decimals(allow_nan=False, allow_infinity=False).map(str),
    st.sampled_from(
        ["", "|", "||", "|||", "|http://unitsofmeasure.org|mg", "|http://unitsofmeasure.org|((((", "||mm[Hg]",
         "|http://unitsofmeasure.org|Cel", "|http://unitsofmeasure.org|10*400", "|urn:x|y|z"]
    ),
)  # fmt: skip
WORDS = st.text(max_size=12) | st.sampled_from(
    ["a", "p1", "Patient/p1", "Patient/", "/", "//", "#x", "Patient/p1/_history/1", "urn:uuid:1", "http://", "http://[",
     "http://localhost/fhir/Patient/p1", "true", "false", "a|b", "|", "|b", "a|", "a|b|c", "a$b", "$", "$$", "a$ge5$x",
     "a\\", "\\", "\\,", "\\|", "\\$", ",", "a,", ",a", "a,,b", "%", "_", "%(p)s", "'", '"', "\ufeff", "\U0001f600",
     "e\u0301", "\u0130", "\u202e", "1.5|2.5|10|km", "1|2", "91|181|-1|m", "0|0|1e400|km", "nan|nan|nan|x", "x" * 20000,
     "http://hl7.org/fhir/ValueSet/administrative-gender", "ValueSet/v1", "http://loinc.org|8480-6$gt5", "family eq a",
     "http://terminology.hl7.org/CodeSystem/v2-0203|MR|1", "((((", "not (name eq a)", "name eq",
     'subject[name co "x"].id eq 1']
)  # fmt: skip
VALUES = DATES | NUMBERS | WORDS | st.lists(WORDS | NUMBERS, max_size=4).map(",".join)
CONTROLS = st.sampled_from(
    ["_count", "_sort", "_total", "_summary", "_elements", "_include", "_revinclude", "_include:iterate",
     "_revinclude:iterate", "_include:x", "_format", "_pretty", "_page", "_type", "_explain", "_filter", "_list", "_id",
     "_lastUpdated", "_text", "_content", "_contained", "_containedType", "_score", "_source", "_profile"]
)  # fmt: skip
SETTINGS = (
    st.sampled_from(
        ["-1", "0", "1", "1e3", "999999999999999999999", "٣", "true", "count", "text", "data", "accurate", "estimate",
         "json", "xml", "application/fhir+json", "*", "*:*", "Observation:subject", "Observation:subject:Patient",
         "Observation:*", "Observation:", ":subject", "Nothing:x", "Patient:name", "-date", "--date", "name",
         "-name,_id", "_id", "-_lastUpdated", "_lastUpdated,_lastUpdated", "near", "-", ",", "code-value-quantity",
         "gender", "Patient", "Patient,Observation", "Patient,Nothing", "AAAA", "=", "A" * 3000, "ä",
         "id,name", "contained", "both"]
    )
    | WORDS
)  # fmt: skip


@st.composite
def names(draw: st.DrawFn, kind: str) -> str:
    """Draw a name that the type has, with what may or may not follow it."""
    code = draw(st.sampled_from(sorted(fields(kind))))
    shape = draw(st.sampled_from(["plain", "plain", "modifier", "chain", "typed", "has"]))
    if shape == "plain":
        return code
    if shape == "modifier":
        return f"{code}:{draw(MODIFIERS)}"
    other = draw(TYPES)
    end = draw(st.sampled_from(sorted(fields(other))) | JUNK)
    return {
        "chain": f"{code}.{end}",
        "typed": f"{code}:{other}.{end}",
        "has": f"_has:{other}:{code}:{end}",
    }[shape]


@st.composite
def queries(draw: st.DrawFn, kind: str) -> list[tuple[str, str]]:
    """Draw parameters, among them some that mean something."""
    condition = st.tuples(names(kind), VALUES)
    control = st.tuples(CONTROLS, SETTINGS)
    anything = st.tuples(JUNK, VALUES)
    return draw(st.lists(condition | condition | control | anything, min_size=1, max_size=4))


@st.composite
def addresses(draw: st.DrawFn) -> tuple[str, list[tuple[str, str]]]:
    kind = draw(TYPES)
    within = draw(st.sampled_from(sorted(compartments.compartments())))
    path = draw(st.sampled_from([kind, kind, kind, "", f"{within}/p1/{kind}", f"{within}/p1/*"]))
    return path, draw(queries(kind))


@pytest.fixture
def searched(store: Store, connect: Connect) -> Client:
    """Give the client of a server that has something to find and may explain itself."""
    client = connect(store, Limits(explain=True))
    client.stored(a_patient(id="p1", name=[{"family": "Chalmers"}], birthDate="1970-01-01"))
    client.stored(an_observation(id="o1", subject={"reference": "Patient/p1"}))
    client.stored({"resourceType": "List", "id": "a", "status": "current", "mode": "working"})
    place = {"longitude": 1.5, "latitude": 2.5}
    client.stored({"resourceType": "Location", "id": "l1", "position": place})
    return client


def check(answer: Answer, pairs: list[tuple[str, str]], path: str) -> None:
    assert answer.status in (200, 400, 403, 404, 406), (answer.status, answer.body)
    if answer.status == 400:
        assert is_named(answer.said, pairs, path), (answer.said, path, pairs)


def is_named(said: str, pairs: list[tuple[str, str]], path: str) -> bool:
    """Tell whether the text names a parameter of the request, or what is wrong with all."""
    codes = {re.split("[:.]", name)[0] for name, _ in pairs}
    if any("\0" in text for pair in pairs for text in pair):
        return "NUL" in said
    if "is never in the compartment" in said:
        return path.startswith(said.rpartition(" ")[2].rstrip("."))
    words = [*(name for name, _ in pairs), *codes, *(["_type"] if path.endswith("*") else [])]
    # What is very long is told without its middle.
    quoted = (repr(word[:500])[1:-1] for word in words if word)
    return any(word in said for word in (*filter(None, words), *quoted, "''"))


@FUZZ
@given(asked=addresses(), lenient=st.booleans(), explain=st.booleans())
def test_any_parameters_by_get_and_by_post(
    searched: Client, asked: tuple[str, list[tuple[str, str]]], lenient: bool, explain: bool
) -> None:
    path, pairs = asked
    pairs = [*pairs, *([("_explain", "true")] if explain else [])]
    headers = {"prefer": "handling=lenient"} if lenient else {}
    query = urlencode(pairs)
    got = searched.get(f"{quote(path)}?{query}", **headers)
    check(got, pairs, path)
    posted = searched.post(
        f"{quote(path)}/_search".strip("/"), query.encode(), content_type=FORM, **headers
    )
    check(posted, pairs, path)
    assert posted.status == got.status


@st.composite
def filters(draw: st.DrawFn) -> str:
    """Draw an expression of `_filter`; now and then one that cannot be read."""
    path = st.sampled_from(
        ["name", "_id", "birthdate", "gender", "organization.name", "_has:Observation:patient:code", "_tag",
         "general-practitioner[name co x].id", "_lastUpdated", "nothing", "near", "_list", "identifier", "link"]
    )  # fmt: skip
    operator = st.sampled_from((*OPERATORS, "EQ", "is", ""))
    value = st.sampled_from(["x", "true", "2020", "1e400", '"', '""', "null", "Patient/p1", "a|b"])
    quoted = st.text(max_size=6).map(lambda text: json.dumps(text, ensure_ascii=False))
    test = st.builds("{} {} {}".format, path, operator, value | quoted | WORDS)
    joined = st.recursive(
        test,
        lambda inner: (
            st.builds("{} {} {}".format, inner, st.sampled_from(["and", "or", "xor"]), inner)
            | st.builds("{}({})".format, st.sampled_from(["", "not ", "not", "("]), inner)
        ),
        max_leaves=12,
    )
    return draw(joined)


@FUZZ
@given(text=filters())
def test_any_filter(searched: Client, text: str) -> None:
    pairs = [("_filter", text)]
    check(searched.post("Patient/_search", urlencode(pairs).encode(), content_type=FORM), pairs, "")


@pytest.mark.parametrize("search", ["Patient?", "Patient?_sort=family", "Patient?gender:not=male"])
def test_a_page_link_is_good_for_its_own_search_only(searched: Client, search: str) -> None:
    for number in range(3):
        searched.stored(a_patient(id=f"q{number}"))
    first = searched.get(f"{search}&_count=1").json
    links = {each["relation"]: each["url"] for each in first["link"]}
    token = links["next"].rpartition("_page=")[2]
    assert searched.get(f"{search}&_page={token}").status == 200
    spoilt = [token[:-1], token[1:], token[::-1], token.swapcase(), token + "A", token * 2]
    spoilt += [token[:at] + "-" + token[at + 1 :] for at in range(0, len(token), 7)]
    refused = [f"{search}&_page={other}" for other in spoilt if other != token]
    refused += [f"{other}&_page={token}" for other in ("Patient?birthdate=1970", "Observation?")]
    for address in refused:
        answer = searched.get(address)
        assert (answer.status, "_page" in answer.said) == (400, True), address


@FUZZ
@given(
    query=st.text(
        st.sampled_from("abc=&%;+?#[]{}\\\"'<>|$, 0fF~\x7f\xe9\u20ac") | st.characters(),
        max_size=40,
    )
)
def test_any_text_as_a_query(searched: Client, query: str) -> None:
    assert searched.get(f"Patient?{query}").status in (200, 400, 406)
    form = query.encode("utf-8", "surrogatepass")
    assert searched.post("Patient/_search", form, content_type=FORM).status in (200, 400, 406)
