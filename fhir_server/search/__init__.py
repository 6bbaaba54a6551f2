"""Search: what a resource is indexed by, and which resources a query means, https://hl7.org/fhir/R4/search.html."""
