"""The header X-Provenance: where a resource comes from, stored with it or not at all."""

from __future__ import annotations

import json

import pytest

from tests.http import Client

PATIENT = {"resourceType": "Patient", "name": [{"family": "Love"}]}
PROVENANCE = {
    "resourceType": "Provenance",
    "recorded": "2026-11-01T00:00:00Z",
    "agent": [{"who": {"display": "Laboratory of Köln"}}],
}


def header(resource: object) -> dict[str, str]:
    return {"X-Provenance": json.dumps(resource, ensure_ascii=True)}


def test_it_is_stored_with_what_it_is_about(client: Client) -> None:
    made = client.send("POST", "Patient", PATIENT, header(PROVENANCE))
    assert made.status == 201
    put = client.send("PUT", f"Patient/{made.id}", {**PATIENT, "id": made.id}, header(PROVENANCE))
    assert put.status == 200
    found = client.get(f"Provenance?target=Patient/{made.id}").json["entry"]
    targets = {each["resource"]["target"][0]["reference"] for each in found}
    assert targets == {f"Patient/{made.id}/_history/1", f"Patient/{made.id}/_history/2"}
    assert found[0]["resource"]["agent"][0]["who"]["display"] == "Laboratory of Köln"


@pytest.mark.parametrize(
    ("stated", "status"),
    [
        ({"resourceType": "Patient"}, 400),
        ({**PROVENANCE, "target": [{"reference": "Patient/1"}]}, 400),
        ({"resourceType": "Provenance", "recorded": "2026-11-01T00:00:00Z"}, 422),
        ([], 400),
    ],
)
def test_a_wrong_one_keeps_the_resource_out_too(
    client: Client, stated: object, status: int
) -> None:
    assert client.send("POST", "Patient", PATIENT, header(stated)).status == status
    assert client.total_versions() == 0
    assert client.send("POST", "Patient", PATIENT, {"X-Provenance": "{"}).status == 400
