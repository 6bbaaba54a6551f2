"""One module for each type of search parameter, https://hl7.org/fhir/R4/search.html#ptypes."""
