"""The work that is measured; each function returns figures, one a round."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from resource import RUSAGE_CHILDREN, getrusage

from bench.accounts import cpu, resident
from bench.clients import decoded, must_be, request, send
from bench.corpus import EXAMPLES, OBSERVATION, bundles, members, ndjson, size
from bench.servers import PROGRAM, House
from fhir_server.definitions import structures

CONNECTIONS = 16
GETS = 8000
CREATES = 3000


@dataclass(slots=True)
class Row:
    work: str
    unit: str
    goal: str
    figures: list[float] = field(default_factory=list)


def spent(roots: Sequence[int], work: Callable[[], object]) -> float:
    before = cpu(roots)
    work()
    return cpu(roots) - before


def reading(house: House, rounds: int) -> list[Row]:
    """The same text, by our GET and by the floor's."""
    path, key = _stored(house)
    ours = [request("GET", path, port=house.port)] * GETS
    floor = [request("GET", f"/{key}", port=house.floor_port)] * GETS
    rows = [
        Row("GET floor", "µs CPU", ""),
        Row("GET one resource", "µs CPU", ""),
        Row("GET, ratio to the floor's requests per CPU second", "", ">= 0.6"),
    ]
    for _ in range(rounds):
        pair = _pair(house, floor, ours, 200)
        for row, figure in zip(rows, (*pair, pair[0] / pair[1]), strict=True):
            row.figures.append(figure)
    return rows


def creating(house: House, rounds: int) -> list[Row]:
    """The same Observation, by our POST and by the floor's insert."""
    body = OBSERVATION % _patient(house).encode()
    ours = [request("POST", "/fhir/Observation", body, house.port)] * CREATES
    floor = [request("POST", "/", body, house.floor_port)] * CREATES
    rows = [
        Row("insert, floor", "µs CPU", ""),
        Row("create Observation", "µs CPU", "<= 1000"),
        Row("create, times the floor's CPU", "", "<= 3"),
    ]
    for _ in range(rounds):
        pair = _pair(house, floor, ours, 201)
        for row, figure in zip(rows, (*pair, pair[1] / pair[0]), strict=True):
            row.figures.append(figure)
    return rows


def _pair(house: House, floor: list[bytes], ours: list[bytes], status: int) -> tuple[float, float]:
    """Return µs CPU a request of the floor and of the server, each with the database's."""

    def run(port: int, requests: list[bytes]) -> Callable[[], None]:
        return lambda: must_be(status, send(port, requests, CONNECTIONS))

    below = spent([house.floor, house.database], run(house.floor_port, floor))
    above = spent([house.server, house.database], run(house.port, ours))
    return below / len(floor) * 1e6, above / len(ours) * 1e6


def _patient(house: House) -> str:
    answers = send(house.port, [request("POST", "/fhir/Patient", b'{"resourceType":"Patient"}')])
    must_be(201, answers)
    return str(decoded(answers[0])["id"])


def _stored(house: House) -> tuple[str, str]:
    """Store an Observation in both; returns its path here and its key in the floor."""
    body = OBSERVATION % _patient(house).encode()
    answers = send(house.port, [request("POST", "/fhir/Observation", body)])
    must_be(201, answers)
    there = send(house.floor_port, [request("POST", "/", answers[0][1])])
    return f"/fhir/Observation/{decoded(answers[0])['id']}", there[0][1].decode()


def transactions(house: House, rounds: int) -> list[Row]:
    sent = bundles()
    count = sum(map(size, sent))
    requests = [request("POST", "/fhir", bundle, house.port) for bundle in sent]
    row = Row(f"transaction bundles over HTTP, {count:,} resources", "µs CPU a resource", "<= 400")
    for _ in range(rounds):
        roots = [house.server, house.database]
        used = spent(roots, lambda: must_be(200, send(house.port, requests)))
        row.figures.append(used / count * 1e6)
    return [row]


def loading(house: House, rounds: int) -> list[Row]:
    """`medconsult load` of all bundles and of as many lines, again and again: the store grows."""
    folder = house.folder / "bundles"
    folder.mkdir()
    sent = bundles()
    count = sum(map(size, sent))
    for index, bundle in enumerate(sent):
        (folder / f"{index}.json").write_bytes(bundle)
    empty = house.folder / "empty"
    empty.mkdir()
    start = Row("load of nothing: starting the program", "ms CPU", "")
    whole = Row(f"load of bundles, {count:,} resources a round", "µs CPU a resource", "<= 200")
    net = Row("the same without the start", "µs CPU a resource", "")
    lines = Row(f"load of NDJSON, {count:,} lines a round", "µs CPU a resource", "<= 200")
    lines_net = Row("the same without the start", "µs CPU a resource", "")
    for number in range(rounds):
        began = _load(house, empty)
        start.figures.append(began * 1e3)
        file = house.folder / f"{number}.ndjson"
        file.write_bytes(b"".join(ndjson(sent)))
        for path, row, row_net in ((folder, whole, net), (file, lines, lines_net)):
            used = _load(house, path)
            row.figures.append(used / count * 1e6)
            row_net.figures.append((used - began) / count * 1e6)
        file.unlink()
    return [start, whole, net, lines, lines_net]


def _load(house: House, path: Path) -> float:
    """Return CPU seconds of the program, once it has ended, and of the database."""
    before, base = getrusage(RUSAGE_CHILDREN), cpu([house.database])
    command = [str(PROGRAM), "load", "--again", str(path)]
    subprocess.run(command, env=house.environment(), check=True, capture_output=True)
    after = getrusage(RUSAGE_CHILDREN)
    client = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return client + cpu([house.database]) - base


def memory(house: House) -> list[Row]:
    """Send every type once, and HL7's examples when they are there; then look at the worker."""
    types = sorted(structures.resource_types())
    requests = [
        request("POST", f"/fhir/{name}", json.dumps({"resourceType": name}).encode())
        for name in types
    ]
    requests += [request("GET", f"/fhir/{name}?_count=1") for name in types]
    for raw in members(EXAMPLES) if EXAMPLES.exists() else ():
        example = json.loads(raw)
        requests.append(request("PUT", f"/fhir/{example['resourceType']}/{example.get('id')}", raw))
    answers = send(house.port, requests)
    if any(status >= 500 for status, _ in answers):
        raise SystemExit("The server failed at a type.")
    goal = f"memory of one worker after all {len(types)} types"
    return [Row(goal, "MB", "<= 200", [max(resident(house.server).values())])]
