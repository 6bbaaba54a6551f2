"""The FHIRPath engine's model of R4, https://hl7.org/fhirpath/. Those of other versions are let go: 4 MB."""

from __future__ import annotations

from typing import Any

from fhirpathpy.models import models

MODEL: Any = models["r4"]
for _version in set(models) - {"r4"}:
    del models[_version]
