"""The facts of FHIR R4 as immutable tables out of profiles/r4, https://hl7.org/fhir/R4/."""
