"""Codes of value sets and code systems, R4's own and stored ones, https://hl7.org/fhir/R4/terminology-module.html."""
