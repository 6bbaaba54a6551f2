"""A FHIR R4 (4.0.1) server, https://hl7.org/fhir/R4/."""
