"""Derive the fact tables of profiles/r4 from HL7's package, https://hl7.org/fhir/R4/downloads.html."""
