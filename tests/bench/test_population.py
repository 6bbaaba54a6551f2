"""What the benchmark stores and asks for is FHIR; how fast it is stands in docs/performance.md."""

from __future__ import annotations

from collections import Counter
from contextlib import closing
from random import Random
from statistics import mean
from urllib.parse import parse_qsl

import pytest

from bench import filling
from bench.filling import Piece
from bench.population import Population, of_patient, shared
from bench.shapes import PAGE, SHAPES, Corpus, Shape
from bench.verdicts import Figures, missed
from bench.vocabulary import PER_MILLION
from fhir_server import validation
from fhir_server.codec import encode, made
from fhir_server.database import Database
from fhir_server.definitions import structures
from fhir_server.errors import Invalid, InvalidParameter
from fhir_server.search.parse import parse
from fhir_server.storage import searches

POPULATION = Population(seed=1, asked=2_000)
RECORDS = [resource for number in range(20) for resource in of_patient(POPULATION, number)]


def test_every_generated_resource_is_valid_r4() -> None:
    for resource in [*RECORDS, *shared(POPULATION)]:
        validation.check(made(resource).resource)


def test_a_spoilt_one_is_not() -> None:
    with pytest.raises(Invalid):
        validation.check(made({**RECORDS[0], "gender": 1}).resource)


def test_the_same_seed_makes_the_same_record_and_another_seed_another() -> None:
    again = of_patient(Population(seed=1, asked=2_000), 3)
    assert again == of_patient(POPULATION, 3)
    assert again != of_patient(Population(seed=2, asked=2_000), 3)


def test_types_are_as_frequent_and_resources_as_long_as_in_synthea() -> None:
    counted = Counter(resource["resourceType"] for resource in RECORDS)
    for kind in ("Observation", "Encounter", "Claim", "Procedure"):
        share = counted[kind] / len(RECORDS)
        assert share == pytest.approx(PER_MILLION[kind] / 1e6, rel=0.1)
    assert 1_200 < mean(len(encode(resource)) for resource in RECORDS) < 1_600


def test_references_of_a_record_lead_to_what_is_stored() -> None:
    stored = {f"{each['resourceType']}/{each['id']}" for each in [*RECORDS, *shared(POPULATION)]}
    for resource in RECORDS:
        if resource["resourceType"] == "Encounter":
            assert resource["serviceProvider"]["reference"] in stored
            assert resource["participant"][0]["individual"]["reference"] in stored
            assert resource["subject"]["reference"] in stored


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.name)
def test_a_shape_names_a_type_and_has_other_values_each_time(shape: Shape) -> None:
    corpus = Corpus(POPULATION, Random(1))
    drawn = [shape.draw(corpus) for _ in range(5)]
    assert all(structures.is_resource_type(path.replace("/", "?").split("?")[0]) for path in drawn)
    assert all("%" not in path.partition("?")[0] for path in drawn)
    varied = len(set(drawn)) > 1
    assert varied == (shape.name not in {"newest first, a whole type", "status, a whole type"})


def test_the_names_of_shapes_are_distinct() -> None:
    assert len({shape.name for shape in SHAPES}) == len(SHAPES) >= 30


def test_a_fast_answer_reaches_its_goals_and_slow_or_empty_ones_do_not() -> None:
    selective = next(shape for shape in SHAPES if shape.kind == "selective")
    assert missed(Figures(selective, p50=1, floor=0.2, cpu=1, most=1)) == set()
    assert missed(Figures(selective, p50=3, floor=0.2, cpu=1, most=1)) == {"times the floor"}
    assert missed(Figures(selective, p50=1, floor=0.2, cpu=3, most=1)) == {"CPU ms"}
    assert missed(Figures(selective, p50=1, floor=0.2, cpu=1, most=0)) == {"entries"}
    assert missed(Figures(selective, p50=1, floor=0.2, cpu=1, most=1, before=0.5)) == {"growth"}
    assert missed(Figures(selective, refused="400")) == {"shape"}


def test_a_count_is_judged_by_the_million() -> None:
    count = next(shape for shape in SHAPES if shape.kind == "count")
    assert missed(Figures(count, p50=30, floor=0.2, most=20, total=250_000)) == set()
    assert missed(Figures(count, p50=60, floor=0.2, most=20, total=250_000)) == {
        "ms per million counted"
    }


NOT_YET = frozenset(
    {
        "patient and code-value-quantity",
        "component code and value",
        ":text",
        "_include",
        "_revinclude",
    }
)
"""Shapes of which the server may still say that it does not support them."""


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.name)
def test_a_shape_is_a_search_that_the_server_reads(shape: Shape) -> None:
    kind, _, query = shape.draw(Corpus(POPULATION, Random(1))).partition("?")
    if "$" in kind:
        return
    try:
        asked = parse(kind, parse_qsl(query, strict_parsing=True))
    except InvalidParameter:
        assert shape.name in NOT_YET
    else:
        assert asked.types == (kind,)
        assert asked.count == PAGE


def test_what_is_no_parameter_is_refused() -> None:
    with pytest.raises(InvalidParameter):
        parse("Patient", [("colour", "blue")])


def test_what_two_writers_store_is_the_population_and_is_found(empty_database: str) -> None:
    people = Population(seed=3, asked=600)
    stored = sum(filling.write(Piece(empty_database, people, part)) for part in range(2))
    everybody = [each for number in range(people.patients) for each in of_patient(people, number)]
    assert stored == len(everybody) + len(list(shared(people)))
    with closing(Database(empty_database)) as database, database.connection() as connection:
        for resource in (everybody[0], everybody[-1]):
            query = parse(resource["resourceType"], [("_id", resource["id"])])
            assert [found.id for found in searches.first(connection, query, 2)] == [resource["id"]]
        assert searches.first(connection, parse("Patient", [("family", "Nobody")]), 2) == []
