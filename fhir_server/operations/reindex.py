"""$reindex and $reindex-status: index what is stored anew, and how far that has come.

Ours, not HL7's. At the system level all parameters are meant, at a SearchParameter that one.
"""

from __future__ import annotations

from fhir_server import codec
from fhir_server.codec import Resource
from fhir_server.errors import Invalid
from fhir_server.operations.asked import Asked
from fhir_server.repository import Repository
from fhir_server.search.custom import Defined
from fhir_server.storage import parameters, reindex
from fhir_server.storage.reindex import ALL, Job


def start(repository: Repository, asked: Asked) -> bytes:
    """Queue it; who indexes is `medconsult serve` or `medconsult reindex`."""
    if asked.type:
        defined = _defined(repository, asked)
        what = defined.name
        reindex.queue(repository.connection, what, defined.fingerprint, defined.parameter.base)
    else:
        what = ALL
        reindex.queue_all(repository.connection)
    repository.redefined = True
    return _status(reindex.jobs(repository.connection), [what])


def status(repository: Repository, asked: Asked) -> bytes:
    """Return the job of the parameter, or all jobs."""
    found = reindex.jobs(repository.connection)
    if asked.type:
        return _status(found, [_defined(repository, asked).name])
    defined = parameters.read(repository.connection).defined
    return _status(found, [ALL, *(each.name for each in defined)])


def _defined(repository: Repository, asked: Asked) -> Defined:
    name = f"{asked.type}/{asked.id}"
    repository.read(asked.type, asked.id)
    for each in parameters.read(repository.connection).defined:
        if each.name == name:
            return each
    raise Invalid(
        f"{name} adds nothing to R4's parameters, so nothing is indexed by it: "
        "it is not active, or R4 has a parameter of its code.",
        "SearchParameter.status",
    )


def _status(found: dict[str, Job], names: list[str]) -> bytes:
    listed = [{"name": "job", "part": _parts(name, found.get(name))} for name in names]
    return codec.encode({"resourceType": "Parameters", "parameter": listed})


def _parts(name: str, job: Job | None) -> list[Resource]:
    """Describe a job; there is none yet of a parameter that was just stored, or never one of all."""
    never = job is None and name == ALL
    return [
        {"name": "parameter", "valueString": name},
        {"name": "done", "valueDecimal": job.done if job else 0},
        {"name": "total", "valueDecimal": job.total if job else 0},
        {"name": "percent", "valueInteger": job.percent if job else 100 * never},
        {"name": "finished", "valueBoolean": job.finished if job else never},
    ]
