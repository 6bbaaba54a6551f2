"""Change a resource by a list of operations, https://hl7.org/fhir/R4/http.html#patch.

Both ways return a new dict, leave the one given untouched, and do not validate what comes out.
"""

from __future__ import annotations

from fhir_server.patch.fhirpath_patch import apply_fhirpath_patch
from fhir_server.patch.json_patch import apply_json_patch

__all__ = ["apply_fhirpath_patch", "apply_json_patch"]
