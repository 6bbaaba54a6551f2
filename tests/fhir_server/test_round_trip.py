"""What is stored is what was sent: digits of decimals and order of keys included."""

from __future__ import annotations

import json
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from fhir_server import codec, references
from fhir_server.context import Store
from fhir_server.database import Database
from fhir_server.errors import FHIRError
from fhir_server.rest import routes
from fhir_server.rest.call import Limits
from fhir_server.rest.web import Request, Response
from fhir_server.storage.blobs import FileBlobs
from tests.http import FHIR_JSON

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
REWRITTEN = "references of a transaction become Type/id"

# Examples that break R4, each with the rule.
NOT_R4 = {
    "DeviceMetric-example.json": "parent refers to a DeviceDefinition; R4 allows Device only",
    "Observation-clinical-gender.json": "performer refers to an Encounter, which R4 does not allow",
    "Questionnaire-qs1.json": "items have no linkId, whose cardinality is 1..1",
}


def archive(name: str) -> Path:
    path = DATA / name
    if not path.exists():
        pytest.skip(f"{name} is not in ../shared/data")
    return path


def files(name: str) -> Iterator[tuple[str, bytes]]:
    with tarfile.open(archive(name)) as opened:
        for member in opened:
            content = opened.extractfile(member) if member.name.endswith(".json") else None
            if content is not None:
                yield Path(member.name).name, content.read()


def tokens(text: bytes) -> Any:
    """Decode with every number as it is written and every object as its pairs in order."""
    return json.loads(text, parse_float=str, parse_int=str, object_pairs_hook=_ordered)


def _ordered(pairs: list[tuple[str, Any]]) -> list[tuple[str, Any]]:
    return pairs


def content_of(text: bytes) -> list[tuple[str, Any]]:
    """Return the members but those that the server sets or puts first."""
    return [pair for pair in tokens(text) if pair[0] not in ("resourceType", "id", "meta")]


def meta_of(text: bytes) -> list[tuple[str, Any]]:
    stated = dict(tokens(text)).get("meta", [])
    return [pair for pair in stated if pair[0] not in ("versionId", "lastUpdated")]


@pytest.fixture
def store(empty_database: str, tmp_path: Path) -> Iterator[Store]:
    """References of single examples lead nowhere, so nobody checks them here."""
    database = Database(empty_database, size=2)
    yield Store(database, FileBlobs(tmp_path), "http://localhost/fhir", integrity=False)
    database.close()


def send(store: Store, method: str, path: str, body: bytes = b"") -> Response:
    headers = {"content-type": FHIR_JSON, "accept": FHIR_JSON}
    return routes.dispatch(store, Limits(), Request(method, path, "", headers, body))


def test_every_accepted_example_comes_back_as_it_was_sent(store: Store) -> None:
    refused, accepted = {}, 0
    for name, text in files("r4-examples.tar.gz"):
        resource = json.loads(text)
        path = f"{resource['resourceType']}/{resource['id']}"
        answer = send(store, "PUT", path, text)
        if answer.status not in (200, 201):
            refused[name] = answer.body
            continue
        accepted += 1
        back = send(store, "GET", path).body
        assert content_of(back) == content_of(text), name
        assert meta_of(back) == meta_of(text), name
    assert accepted + len(NOT_R4) >= 360, sorted(refused)
    assert sorted(refused) == sorted(NOT_R4), refused


def test_examples_survive_the_way_through_xml(store: Store) -> None:
    from fhir_server.rest import xml

    compared = 0
    for name, text in files("r4-examples.tar.gz"):
        resource = codec.decode(text)
        try:
            written = xml.to_xml(resource)
        except FHIRError:
            continue  # it cannot be XML, and whoever asks is told so
        compared += 1
        assert xml.from_xml(written) == resource, name
    assert compared > 300


@pytest.mark.slow
def test_every_synthea_resource_comes_back_as_it_was_sent(store: Store) -> None:
    count = 0
    for name, text in files("synthea-r4-60-patients.tar.gz"):
        answer = send(store, "POST", "", text)
        assert answer.status == 200, (name, answer.body[:1_000])
        sent = msgspec.json.decode(text, type=dict[str, Any])["entry"]
        raw = [bytes(each["resource"]) for each in _raw_entries(text)]
        answered = codec.decode(answer.body)["entry"]
        names = {
            each["fullUrl"]: _name(said["response"]["location"])
            for each, said in zip(sent, answered, strict=True)
        }
        for resource, said in zip(raw, answered, strict=True):
            back = send(store, "GET", _name(said["response"]["location"])).body
            wanted = rewritten(resource, names)
            assert content_of(back) == content_of(wanted), (name, REWRITTEN)
            count += 1
    assert count == 16_954


def rewritten(resource: bytes, names: dict[str, str]) -> bytes:
    return references.rewrite(codec.compact(resource), lambda name: names.get(name, name))


def _raw_entries(text: bytes) -> list[dict[str, msgspec.Raw]]:
    bundle = msgspec.json.decode(text, type=dict[str, msgspec.Raw])
    return msgspec.json.decode(bundle["entry"], type=list[dict[str, msgspec.Raw]])


def _name(location: str) -> str:
    return location.partition("/_history")[0]
