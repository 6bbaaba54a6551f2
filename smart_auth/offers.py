"""What a consent page offers: each scope in words, with a box to untick."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from fhir_server.access.policy import policy_of
from fhir_server.access.principal import Principal
from fhir_server.access.scopes import Scope, parse
from fhir_server.definitions import compartments, structures
from smart_auth import granted_scope
from smart_auth.wording import later, say, within

ALWAYS = ("openid", "fhirUser", "profile", "launch", "launch/patient", "launch/encounter")
"""Scopes that open no record: who signs in and what is in context."""
OFFLINE = ("offline_access", "online_access")
_OBSERVATION = "http://terminology.hl7.org/CodeSystem/observation-category"
_CONDITION = "http://terminology.hl7.org/CodeSystem/condition-category"
_US_CORE = "http://hl7.org/fhir/us/core/CodeSystem"

CATEGORIES: Mapping[str, Sequence[tuple[str, str, str]]] = MappingProxyType(
    {
        "Condition": (
            (_CONDITION, "problem-list-item", later("Problems")),
            (_CONDITION, "encounter-diagnosis", later("Diagnoses of visits")),
            (f"{_US_CORE}/condition-category", "health-concern", "Health concerns"),
        ),
        "Observation": (
            (_OBSERVATION, "vital-signs", later("Vital signs")),
            (_OBSERVATION, "laboratory", later("Laboratory results")),
            (_OBSERVATION, "social-history", later("Social history, such as smoking")),
            (_OBSERVATION, "survey", later("Answers to surveys")),
            (f"{_US_CORE}/us-core-category", "sdoh", "Living conditions"),
            (_OBSERVATION, "imaging", later("Findings of imaging")),
            (_OBSERVATION, "procedure", later("Findings of procedures")),
            (_OBSERVATION, "exam", later("Findings of examinations")),
        ),
    }
)
"""Kinds to which a person may narrow a whole type: system, code and words."""

WORDS: Mapping[str, str] = MappingProxyType(
    {
        "Patient": later("Name, birth date, address and contact"),
        "AllergyIntolerance": later("Allergies"),
        "Appointment": later("Appointments"),
        "Binary": later("Files"),
        "CarePlan": later("Care plans"),
        "CareTeam": later("Care teams"),
        "Condition": later("Conditions and diagnoses"),
        "Consent": later("Consents"),
        "Coverage": later("Insurance"),
        "Device": later("Devices and implants"),
        "DiagnosticReport": later("Reports of tests and imaging"),
        "DocumentReference": later("Documents and notes"),
        "Encounter": later("Visits"),
        "Goal": later("Goals of treatment"),
        "Immunization": later("Immunizations"),
        "Location": later("Places of care"),
        "Medication": later("Medicines"),
        "MedicationDispense": later("Medicines handed out"),
        "MedicationRequest": later("Prescriptions"),
        "Observation": later("Measurements, laboratory results and other observations"),
        "Organization": later("Organizations"),
        "Practitioner": later("Clinicians"),
        "PractitionerRole": later("What clinicians do where"),
        "Procedure": later("Procedures"),
        "Provenance": later("Where records come from"),
        "QuestionnaireResponse": later("Answers to questionnaires"),
        "RelatedPerson": later("Relatives and carers"),
        "ServiceRequest": later("Orders and referrals"),
        "Specimen": later("Specimens"),
    }
)
_VERBS = (
    ("rs", later("see")),
    ("c", later("add")),
    ("u", later("change")),
    ("d", later("delete")),
)


@dataclass(frozen=True, slots=True)
class Offer:
    """A box: ticked, its value is granted."""

    scope: str
    words: str
    may: str
    """"see and change"."""
    narrower: Sequence[Offer] = ()
    """Boxes to tick instead of this one; for a wildcard, each type it means."""
    wildcard: bool = False


def offered(scope: str, principal: Principal) -> Sequence[Offer]:
    """Return a box for each clinical scope."""
    found = [parsed for word in granted_scope.words(scope) if (parsed := parse(word))]
    return [_offer(each, principal) for each in found]


def granted(scope: str, ticked: Sequence[str]) -> str:
    """Return the scope that was agreed to: what is ticked and was asked for, and what opens no record."""
    clinical = [word for word in ticked if parse(word) and granted_scope.within(word, scope)]
    asked = granted_scope.words(scope)
    others = [word for word in asked if word in ALWAYS or (word in OFFLINE and word in ticked)]
    whole = [parsed for word in clinical if (parsed := parse(word)) and not parsed.criteria]
    kept = [word for word in clinical if not _within_another(word, whole)]
    return " ".join(dict.fromkeys([*others, *kept]))


def _within_another(word: str, whole: Sequence[Scope]) -> bool:
    """Tell whether a wider one was ticked as well, which makes this one say nothing."""
    return any(granted_scope.within(word, each.text) for each in whole if each.text != word)


def _offer(scope: Scope, principal: Principal) -> Offer:
    if scope.type == "*":
        narrower = [_of_type(scope, name) for name in _types(scope, principal)]
        return Offer(scope.text, say("All kinds of records"), may(scope), narrower, wildcard=True)
    kinds = [] if scope.criteria else _categories(scope)
    words = words_of(scope.type)
    if scope.criteria:
        words = say("%(kind)s, only %(those)s", kind=words, those=_criteria(scope))
    return Offer(scope.text, words, may(scope), kinds)


def _of_type(scope: Scope, name: str) -> Offer:
    letters = scope.text.rpartition(".")[2]
    return Offer(f"{scope.context}/{name}.{letters}", words_of(name), may(scope))


def _types(scope: Scope, principal: Principal) -> Sequence[str]:
    """Return the types of people's records of which the person's role has anything."""
    policy = policy_of(principal)
    listed = [
        name
        for name in structures.resource_types()
        if name in WORDS or compartments.membership("Patient", name)
    ]
    found = {name for letter in scope.letters for name in policy.permitted(listed, letter)}
    return sorted(found, key=lambda name: (name != "Patient", words_of(name)))


def _categories(scope: Scope) -> Sequence[Offer]:
    letters = scope.letters
    return [
        Offer(
            f"{scope.context}/{scope.type}.{letters}?category={system}|{code}",
            say(words),
            may(scope),
        )
        for system, code, words in CATEGORIES.get(scope.type, ())
    ]


def may(scope: Scope) -> str:
    """Return what the letters let an app do: "see, add and change"."""
    verbs = [say(verb) for letters, verb in _VERBS if set(letters) & set(scope.letters)]
    return say(" and ").join(filter(None, [", ".join(verbs[:-1]), verbs[-1]]))


def words_of(resource_type: str) -> str:
    """Return what people call the type."""
    apart = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", resource_type).capitalize()
    return say(WORDS.get(resource_type, apart))


def _criteria(scope: Scope) -> str:
    known = {
        f"{system}|{code}": within(say(words))
        for system, code, words in CATEGORIES.get(scope.type, ())
    }
    return say(" and ").join(
        known.get(value, f"{name} {value.rpartition('|')[2]}") for name, value in scope.criteria
    )
