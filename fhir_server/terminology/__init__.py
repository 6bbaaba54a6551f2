"""Value sets and code systems stored on the server, beside R4's own, https://hl7.org/fhir/R4/terminologies.html."""
