"""FHIR's XML and JSON into each other without loss, https://hl7.org/fhir/R4/xml.html.

Driven by the fact tables: they give the order of elements and tell lists from single values.
"""

from __future__ import annotations

from fhir_server.rest.xml_read import from_xml
from fhir_server.rest.xml_write import to_xml

__all__ = ["from_xml", "to_xml"]
