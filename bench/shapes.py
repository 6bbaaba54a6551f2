"""The shapes of query that are measured; the values of each request are drawn anew from the corpus.

The corpus is made again from its numbers (`bench.population`), so drawing does not warm the store.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import cache
from random import Random
from typing import Literal
from urllib.parse import urlencode

from bench.filling import written_at
from bench.parts import Resource
from bench.population import Population, of_patient, shared

PAGE = 20

Kind = Literal["selective", "broad", "count", "estimate"]
"""Few matches; a page of many; the same with all of them counted, or estimated."""


@dataclass(slots=True)
class Corpus:
    """What the store holds, to be drawn from."""

    population: Population
    random: Random

    def record(self) -> list[Resource]:
        return of_patient(self.population, self.random.randrange(self.population.patients))

    def one(self, kind: str) -> Resource:
        """Return a resource of the type, of any patient that has one."""
        found: list[Resource] = []
        while not found:
            found = [each for each in self.record() if each["resourceType"] == kind]
        return self.random.choice(found)

    def patient(self) -> Resource:
        return self.record()[0]

    def measured(self) -> Resource:
        """Return an Observation of a quantity."""
        found = self.one("Observation")
        while "valueQuantity" not in found:
            found = self.one("Observation")
        return found


@dataclass(frozen=True, slots=True)
class Shape:
    name: str
    kind: Kind
    draw: Callable[[Corpus], str]
    """Makes the address of one request, below /fhir/."""


def search(kind: str, *pairs: tuple[str, str]) -> str:
    return f"{kind}?{urlencode([*pairs, ('_count', str(PAGE))])}"


def token(concept: Resource) -> str:
    coding = concept["coding"][0]
    return f"{coding['system']}|{coding['code']}"


def identifier(corpus: Corpus) -> str:
    found = corpus.random.choice(corpus.patient()["identifier"])
    return search("Patient", ("identifier", f"{found['system']}|{found['value']}"))


def family(corpus: Corpus) -> str:
    return search("Patient", ("family", corpus.patient()["name"][0]["family"]))


def family_birthdate(corpus: Corpus) -> str:
    who = corpus.patient()
    born = who["birthDate"]
    return search("Patient", ("family", who["name"][0]["family"]), ("birthdate", born))


def phone(corpus: Corpus) -> str:
    return search("Patient", ("phone", corpus.patient()["telecom"][0]["value"]))


def name_contains(corpus: Corpus) -> str:
    return search("Patient", ("name:contains", corpus.patient()["name"][0]["family"][2:7].lower()))


def patient_category(corpus: Corpus) -> str:
    found = corpus.one("Observation")
    category = token(found["category"][0])
    return search("Observation", ("patient", subject(found)), ("category", category))


def subject(resource: Resource) -> str:
    return str(resource["subject"]["reference"])


def patient_code_dates(corpus: Corpus) -> str:
    found = corpus.one("Observation")
    day = datetime.fromisoformat(found["effectiveDateTime"]).date()
    return search(
        "Observation",
        ("patient", subject(found)),
        ("code", token(found["code"])),
        ("date", f"ge{day - timedelta(days=365)}"),
        ("date", f"le{day + timedelta(days=365)}"),
        ("_sort", "-date"),
    )


def patient_codes(corpus: Corpus) -> str:
    record = [each for each in corpus.record() if each["resourceType"] == "Observation"]
    chosen = corpus.random.sample(record, min(5, len(record)))
    codes = ",".join(token(each["code"]) for each in chosen)
    return search("Observation", ("patient", subject(record[0])), ("code", codes))


def one_day(corpus: Corpus) -> str:
    return search("Observation", ("date", corpus.one("Observation")["effectiveDateTime"][:10]))


def value_and_code(corpus: Corpus) -> str:
    found = corpus.measured()
    low, high, unit = around(found["valueQuantity"])
    return search(
        "Observation",
        ("code", token(found["code"])),
        ("value-quantity", f"ge{low}{unit}"),
        ("value-quantity", f"le{high}{unit}"),
    )


def around(quantity: Resource) -> tuple[Decimal, Decimal, str]:
    """Return bounds 2 % below and above, and the unit as a search writes it."""
    value = quantity["value"]
    step = max(value * Decimal("0.02"), Decimal("0.1")).quantize(Decimal("0.01"))
    return value - step, value + step, f"|{quantity['system']}|{quantity['code']}"


def code_value(corpus: Corpus) -> str:
    found = corpus.measured()
    low, _, unit = around(found["valueQuantity"])
    asked = f"{token(found['code'])}$gt{low}{unit}"
    return search("Observation", ("patient", subject(found)), ("code-value-quantity", asked))


def component_code(corpus: Corpus) -> str:
    """Very high blood pressure, of anybody."""
    bound = corpus.random.randrange(150, 165)
    asked = f"http://loinc.org|8480-6$gt{bound}|http://unitsofmeasure.org|mm[Hg]"
    return search("Observation", ("component-code-value-quantity", asked))


def chain(corpus: Corpus) -> str:
    found = corpus.patient()["identifier"][0]
    asked = f"{found['system']}|{found['value']}"
    return search("Observation", ("subject:Patient.identifier", asked), ("category", "laboratory"))


def chain_of_two(corpus: Corpus) -> str:
    house = corpus.one("Encounter")["serviceProvider"]["reference"].partition("/")[2]
    name = names(corpus.population)[house]
    return search("Condition", ("encounter:Encounter.service-provider.name", name))


@cache
def names(population: Population) -> dict[str, str]:
    """Return the organizations' names by id."""
    everybody = shared(population)
    return {
        each["id"]: each["name"] for each in everybody if each["resourceType"] == "Organization"
    }


def has(corpus: Corpus) -> str:
    found = corpus.one("Condition")
    return search("Patient", ("_has:Condition:patient:code", token(found["code"])))


def include(corpus: Corpus) -> str:
    found = corpus.one("MedicationRequest")
    return search(
        "MedicationRequest",
        ("patient", subject(found)),
        ("_include", "MedicationRequest:requester"),
    )


def revinclude(corpus: Corpus) -> str:
    found = corpus.one("Procedure")
    return search(
        "Encounter",
        ("_id", found["encounter"]["reference"].partition("/")[2]),
        ("_revinclude", "Procedure:encounter"),
    )


def practitioner_period(corpus: Corpus) -> str:
    found = corpus.one("Encounter")
    day = date.fromisoformat(found["period"]["start"][:10])
    return search(
        "Encounter",
        ("practitioner", found["participant"][0]["individual"]["reference"]),
        ("date", f"ge{day - timedelta(days=15)}"),
        ("date", f"lt{day + timedelta(days=15)}"),
    )


def status_intent(corpus: Corpus) -> str:
    found = corpus.one("MedicationRequest")
    return search("MedicationRequest", ("status", found["status"]), ("intent", found["intent"]))


def updated_day(corpus: Corpus) -> str:
    """One day of the type's writes."""
    start = _written(corpus)
    return search(
        "Observation",
        ("_lastUpdated", f"ge{start:%Y-%m-%dT%H:%M:%SZ}"),
        ("_lastUpdated", f"lt{start + timedelta(days=1):%Y-%m-%dT%H:%M:%SZ}"),
    )


def updated_since(corpus: Corpus) -> str:
    """What a client asks that keeps itself up to date: all since a moment, oldest first."""
    start = _written(corpus)
    since = ("_lastUpdated", f"gt{start:%Y-%m-%dT%H:%M:%SZ}")
    return search("Encounter", since, ("_sort", "_lastUpdated"))


def _written(corpus: Corpus) -> datetime:
    """Return a moment at which something was stored, not the very last one."""
    patients = corpus.population.patients
    number = corpus.random.randrange(max(1, patients * 99 // 100))
    return written_at(corpus.population, number, 0)


def code_not(corpus: Corpus) -> str:
    return search("Encounter", ("class:not", corpus.random.choice(("AMB", "EMER", "IMP"))))


def missing(corpus: Corpus) -> str:
    stated = corpus.random.choice(("death-date:missing", "deceased:missing"))
    return search("Patient", (stated, "false"))


def code_text(corpus: Corpus) -> str:
    words = corpus.one("Condition")["code"]["text"].split()
    return search("Condition", ("code:text", words[0]))


def total_selective(corpus: Corpus) -> str:
    who = f"Patient/{corpus.patient()['id']}"
    return search("Observation", ("patient", who), ("_total", "accurate"))


def total_broad(corpus: Corpus) -> str:
    return search("Observation", ("category", _category(corpus)), ("_total", "accurate"))


def total_estimate(corpus: Corpus) -> str:
    return search("Observation", ("category", _category(corpus)), ("_total", "estimate"))


def _category(corpus: Corpus) -> str:
    return token(corpus.one("Observation")["category"][0])


def everything(corpus: Corpus) -> str:
    return f"Patient/{corpus.patient()['id']}/$everything?_count={PAGE}"


def newest(_: Corpus) -> str:
    return search("Observation", ("_sort", "-date"))


def status_page(corpus: Corpus) -> str:
    return search("Observation", ("status", corpus.one("Observation")["status"]))


def id_list(corpus: Corpus) -> str:
    wanted = [corpus.one("Observation")["id"] for _ in range(10)]
    return search("Observation", ("_id", ",".join(wanted)))


def condition_status(corpus: Corpus) -> str:
    found = corpus.one("Condition")
    status = token(found["clinicalStatus"])
    return search("Condition", ("code", token(found["code"])), ("clinical-status", status))


SHAPES = (
    Shape("identifier", "selective", identifier),
    Shape("family", "selective", family),
    Shape("family and birthdate", "selective", family_birthdate),
    Shape("phone", "selective", phone),
    Shape("name:contains", "selective", name_contains),
    Shape("_id, a list of 10", "selective", id_list),
    Shape("patient and category", "selective", patient_category),
    Shape("patient, code, dates, newest first", "selective", patient_code_dates),
    Shape("patient and 5 codes", "selective", patient_codes),
    Shape("one day over all patients", "selective", one_day),
    Shape("code and value-quantity range", "broad", value_and_code),
    Shape("patient and code-value-quantity", "selective", code_value),
    Shape("component code and value", "broad", component_code),
    Shape("chain to the patient", "selective", chain),
    Shape("chain over two steps", "selective", chain_of_two),
    Shape("_has", "broad", has),
    Shape("_include", "selective", include),
    Shape("_revinclude", "selective", revinclude),
    Shape("practitioner and period", "selective", practitioner_period),
    Shape("medication status and intent", "broad", status_intent),
    Shape("_lastUpdated, one day", "selective", updated_day),
    Shape("_lastUpdated since, oldest first", "broad", updated_since),
    Shape(":not", "broad", code_not),
    Shape(":missing", "broad", missing),
    Shape(":text", "broad", code_text),
    Shape("condition code and clinical-status", "broad", condition_status),
    Shape("status, a whole type", "broad", status_page),
    Shape("newest first, a whole type", "broad", newest),
    Shape("$everything", "selective", everything),
    Shape("_total=accurate, selective", "selective", total_selective),
    Shape("_total=accurate, broad", "count", total_broad),
    Shape("_total=estimate, broad", "estimate", total_estimate),
)
