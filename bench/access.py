"""What it costs that a request brings a token: the same work by two servers on one database."""

from __future__ import annotations

import os
import subprocess
import sys
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


@dataclass(frozen=True, slots=True)
class Guarded:
    """A server that asks for tokens, and two that it takes."""

    server: int
    port: int
    patient: str
    """Id of the patient that the token `own` is for."""
    own: str
    every: str


def access(house: House, rounds: int) -> list[Row]:
    """GET and search with a token against the same without; `house` serves with --open."""
    rows = [
        Row(
            "GET, requests per CPU second with a patient's token, of those of --open", "", ">= 0.85"
        ),
        Row("GET, the same with a backend's token", "", ""),
        Row("search of a patient's observations with their token, times --open", "", "<= 1.15"),
    ]
    patient, observation = _records(house)
    path = f"/fhir/Observation/{observation}"
    search = f"/fhir/Observation?patient={patient}&_count=20"
    with _guarded(house, patient) as guarded:
        for _ in range(rounds):
            open_get = _cost(house, house.server, house.port, path, "", GETS)
            open_search = _cost(house, house.server, house.port, search, "", SEARCHES)
            own = _cost(house, guarded.server, guarded.port, path, guarded.own, GETS)
            every = _cost(house, guarded.server, guarded.port, path, guarded.every, GETS)
            found = _cost(house, guarded.server, guarded.port, search, guarded.own, SEARCHES)
            figures = open_get / own, open_get / every, found / open_search
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


@contextmanager
def _guarded(house: House, patient: str) -> Iterator[Guarded]:
    port = free_port()
    environment = house.environment() | {"MEDCONSULT_DATA_DIR": str(house.folder / "guarded")}
    command = [str(PROGRAM), "serve", "--workers", "1", "--port", str(port)]
    with started(house.folder, command, environment, port) as server:
        account = ["user", "add", f"{patient}@bench.example", "--role", "patient"]
        own = ["--fhir-user", f"Patient/{patient}", "--password-stdin"]
        _run(environment, [*account, *own], "violet anchor teapot\n")
        person = ["token", "--scope", "patient/*.rs", "--user", f"{patient}@bench.example"]
        yield Guarded(
            server,
            port,
            patient,
            _run(environment, person),
            _run(environment, ["token", "--scope", "system/*.rs"]),
        )


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
