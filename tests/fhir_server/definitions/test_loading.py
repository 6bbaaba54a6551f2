"""The tables load fast and small, so that every worker process can hold them."""

from __future__ import annotations

import json
import subprocess
import sys

# A fresh process: in this one other modules and tests have loaded much already.
LOAD_ALL = """
import json, resource, time
import msgspec
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
started = time.process_time()
from fhir_server.definitions import compartments, constraints, operations
from fhir_server.definitions import search_parameters, structures, value_sets
structures.elements("Patient")
value_sets.urls()
for name in structures.resource_types():
    search_parameters.parameters(name)
compartments.compartments()
operations.by_code("everything")
constraints.constraints("Element")
seconds = time.process_time() - started
grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
print(json.dumps({"seconds": seconds, "megabytes": grown / 1024}))
"""


def test_all_tables_load_within_300_ms_of_cpu_and_60_mb() -> None:
    ran = subprocess.run([sys.executable, "-c", LOAD_ALL], check=True, capture_output=True)
    taken = json.loads(ran.stdout)
    assert taken["seconds"] < 0.3
    assert taken["megabytes"] < 60
