"""What it costs that a request brings a token: the same work by two servers on one database."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from bench.clients import decoded, must_be, request, send
from bench.corpus import OBSERVATION
from bench.servers import PROGRAM, House, free_port, started
from bench.work import CONNECTIONS, Row, spent

GETS = 6000
SEARCHES = 2000
OBSERVATIONS = 100
PATIENTS = 2000
"""That the clinician has, each by an appointment."""
BATCH = 200


@dataclass(frozen=True, slots=True)
class Guarded:
    """A server that asks for tokens, and two that it takes."""

    server: int
    port: int
    own: str
    """Of the patient."""
    every: str
    """Of a backend."""
    clinical: str
    """Of a clinician of the patient."""


def access(house: House, rounds: int) -> list[Row]:
    """GET and search with a token against the same without; `house` serves with --open."""
    rows = [
        Row(
            "GET, requests per CPU second with a patient's token, of those of --open", "", ">= 0.85"
        ),
        Row("GET, the same with a backend's token", "", ""),
        Row(f"GET, the same with the token of a clinician of {PATIENTS:,} patients", "", ""),
        Row("search of a patient's observations with their token, times --open", "", "<= 1.15"),
        Row("search, the same with the clinician's token", "", ""),
    ]
    patient, observation = _records(house)
    path = f"/fhir/Observation/{observation}"
    search = f"/fhir/Observation?patient={patient}&_count=20"
    with _guarded(house, patient, _clinician(house, patient)) as guarded:
        for _ in range(rounds):
            open_get = _cost(house, house.server, house.port, path, "", GETS)
            open_search = _cost(house, house.server, house.port, search, "", SEARCHES)
            tokens = guarded.own, guarded.every, guarded.clinical
            gets = [_cost(house, guarded.server, guarded.port, path, t, GETS) for t in tokens]
            finds = [
                _cost(house, guarded.server, guarded.port, search, t, SEARCHES)
                for t in (guarded.own, guarded.clinical)
            ]
            figures = [*(open_get / each for each in gets), *(each / open_search for each in finds)]
            for row, figure in zip(rows, figures, strict=True):
                row.figures.append(figure)
    return rows


def _cost(house: House, server: int, port: int, path: str, token: str, count: int) -> float:
    """Return µs CPU a request of the server and the database."""
    one = request("GET", path, port=port)
    if token:
        one = one[:-2] + f"Authorization: Bearer {token}\r\n\r\n".encode()
    many = [one] * count
    used = spent([server, house.database], lambda: must_be(200, send(port, many, CONNECTIONS)))
    return used / count * 1e6


def _records(house: House) -> tuple[str, str]:
    """Store a patient with observations; returns their id and that of one of these."""
    answers = send(house.port, [request("POST", "/fhir/Patient", b'{"resourceType":"Patient"}')])
    must_be(201, answers)
    patient = str(decoded(answers[0])["id"])
    body = OBSERVATION % patient.encode()
    made = send(house.port, [request("POST", "/fhir/Observation", body)] * OBSERVATIONS)
    must_be(201, made)
    return patient, str(decoded(made[0])["id"])


def _clinician(house: House, patient: str) -> str:
    """Store a practitioner who has appointments with the patient and many others; returns their id."""
    made = send(
        house.port, [request("POST", "/fhir/Practitioner", b'{"resourceType":"Practitioner"}')]
    )
    must_be(201, made)
    practitioner = str(decoded(made[0])["id"])
    posts = [request("POST", "/fhir/Appointment", _appointment(practitioner, f"Patient/{patient}"))]
    newcomers = (_newcomers(practitioner) for _ in range(PATIENTS // BATCH))
    posts += [request("POST", "/fhir", each) for each in newcomers]
    answers = send(house.port, posts)
    must_be(201, answers[:1])
    must_be(200, answers[1:])
    return practitioner


def _newcomers(practitioner: str) -> bytes:
    """Return a transaction of patients, each with an appointment."""
    entries: list[dict[str, object]] = []
    for _ in range(BATCH):
        url = f"urn:uuid:{uuid.uuid4()}"
        appointment = json.loads(_appointment(practitioner, url))
        patient = {"resourceType": "Patient"}
        for full_url, each in ((url, patient), (f"urn:uuid:{uuid.uuid4()}", appointment)):
            asked = {"method": "POST", "url": each["resourceType"]}
            entries.append({"fullUrl": full_url, "resource": each, "request": asked})
    return json.dumps({"resourceType": "Bundle", "type": "transaction", "entry": entries}).encode()


def _appointment(practitioner: str, patient: str) -> bytes:
    actors = f"Practitioner/{practitioner}", patient
    taking_part = [{"actor": {"reference": each}, "status": "accepted"} for each in actors]
    made = {"resourceType": "Appointment", "status": "proposed", "participant": taking_part}
    return json.dumps(made).encode()


@contextmanager
def _guarded(house: House, patient: str, practitioner: str) -> Iterator[Guarded]:
    port = free_port()
    environment = house.environment() | {"MEDCONSULT_DATA_DIR": str(house.folder / "guarded")}
    command = [str(PROGRAM), "serve", "--workers", "1", "--port", str(port)]
    with started(house.folder, command, environment, port) as server:
        yield Guarded(
            server,
            port,
            _token(environment, "patient", f"Patient/{patient}", "patient/*.rs"),
            _run(environment, ["token", "--scope", "system/*.rs"]),
            _token(environment, "practitioner", f"Practitioner/{practitioner}", "user/*.rs"),
        )


def _token(environment: dict[str, str], role: str, who: str, scope: str) -> str:
    """Make an account for a person; returns a token of theirs."""
    email = f"{role}-{who.rpartition('/')[2]}@bench.example"
    account = ["user", "add", email, "--role", role, "--fhir-user", who, "--password-stdin"]
    _run(environment, account, "violet anchor teapot\n")
    return _run(environment, ["token", "--scope", scope, "--user", email])


def _run(environment: dict[str, str], arguments: list[str], said: str = "") -> str:
    done = subprocess.run(
        [str(PROGRAM), *arguments],
        env=os.environ | environment,
        input=said,
        stdout=subprocess.PIPE,
        stderr=sys.stderr,
        text=True,
        check=True,
    )
    return done.stdout.strip()
