"""Clinical resources and datatypes that break an invariant."""

from __future__ import annotations

from tests.fhir_server.validation.rows import (
    Broken,
    appointment,
    condition,
    dosed,
    observation,
    patient,
    terminology,
)

_PERIOD = {"start": "2024-01-02", "end": "2024-01-01"}
_UCUM = "http://unitsofmeasure.org"
CLINICAL = (
    Broken("pat-1", patient(contact=[{"gender": "male"}]), "invariant", "Patient.contact[0]"),
    Broken("per-1", patient(name=[{"period": _PERIOD}]), "invariant", "Patient.name[0].period"),
    Broken(
        "per-1 zones",
        patient(
            name=[{"period": {"start": "2024-01-01T10:00:00Z", "end": "2024-01-01T10:30:00+01:00"}}]
        ),
        "invariant",
        "Patient.name[0].period",
    ),
    Broken(
        "per-1 precision",
        patient(name=[{"period": {"start": "2024-01-02", "end": "2023"}}]),
        "invariant",
        "Patient.name[0].period",
    ),
    Broken("cpt-2", patient(telecom=[{"value": "1"}]), "invariant", "Patient.telecom[0]"),
    Broken("att-1", patient(photo=[{"data": "TWFu"}]), "invariant", "Patient.photo[0]"),
    Broken(
        "qty-3",
        observation(valueQuantity={"value": 1, "code": "kg"}),
        "invariant",
        "Observation.value",
    ),
    Broken(
        "qty-3 of an age",
        condition(onsetAge={"code": "a"}),
        "invariant",
        "Condition.onset",
    ),
    Broken(
        "rng-2",
        observation(valueRange={"low": {"value": 2}, "high": {"value": 1}}),
        "invariant",
        "Observation.value",
    ),
    Broken(
        "sqty-1",
        observation(valueRange={"low": {"value": 2, "comparator": "<"}}),
        "invariant",
        "Observation.value.low",
    ),
    Broken(
        "rat-1",
        observation(valueRatio={"numerator": {"value": 1}}),
        "invariant",
        "Observation.value",
    ),
    Broken(
        "age-1",
        condition(onsetAge={"value": 0, "system": _UCUM, "code": "a"}),
        "invariant",
        "Condition.onset",
    ),
    Broken("age-1 code", condition(onsetAge={"value": 3}), "invariant", "Condition.onset"),
    Broken(
        "obs-3",
        observation(referenceRange=[{"appliesTo": [{"text": "x"}]}]),
        "invariant",
        "Observation.referenceRange[0]",
    ),
    Broken(
        "obs-6",
        observation(valueString="a", dataAbsentReason={"text": "b"}),
        "invariant",
        "Observation",
    ),
    Broken(
        "obs-7",
        observation(valueString="a", component=[{"code": observation()["code"]}]),
        "invariant",
        "Observation",
    ),
    Broken("con-1", condition(stage=[{"type": {"text": "x"}}]), "invariant", "Condition.stage[0]"),
    Broken(
        "con-4",
        condition(
            clinicalStatus=terminology("condition-clinical", "active"), abatementDateTime="2020"
        ),
        "invariant",
        "Condition",
    ),
    Broken(
        "con-5",
        condition(
            clinicalStatus=terminology("condition-clinical", "active"),
            verificationStatus=terminology("condition-ver-status", "entered-in-error"),
        ),
        "invariant",
        "Condition",
    ),
    Broken(
        "ait-1",
        {"resourceType": "AllergyIntolerance", "patient": {"reference": "Patient/1"}},
        "invariant",
        "AllergyIntolerance",
    ),
    Broken(
        "app-1",
        appointment(status="proposed", participant=[{"status": "accepted"}]),
        "invariant",
        "Appointment.participant[0]",
    ),
    Broken(
        "app-2",
        appointment(status="proposed", start="2024-01-01T10:00:00Z"),
        "invariant",
        "Appointment",
    ),
    Broken("app-3", appointment(status="booked"), "invariant", "Appointment"),
    Broken(
        "app-4",
        appointment(status="proposed", cancelationReason={"text": "x"}),
        "invariant",
        "Appointment",
    ),
    Broken(
        "tim-1",
        dosed(duration=1),
        "invariant",
        "MedicationRequest.dosageInstruction[0].timing.repeat",
    ),
    Broken(
        "tim-2",
        dosed(period=1),
        "invariant",
        "MedicationRequest.dosageInstruction[0].timing.repeat",
    ),
    Broken(
        "tim-4",
        dosed(duration=-1, durationUnit="h"),
        "invariant",
        "MedicationRequest.dosageInstruction[0].timing.repeat",
    ),
    Broken(
        "tim-9",
        dosed(offset=1, when=["C"]),
        "invariant",
        "MedicationRequest.dosageInstruction[0].timing.repeat",
    ),
    Broken(
        "tim-10",
        dosed(timeOfDay=["10:00:00"], when=["AC"]),
        "invariant",
        "MedicationRequest.dosageInstruction[0].timing.repeat",
    ),
)
