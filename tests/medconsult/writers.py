"""Writers that keep what the server acknowledged, for tests that kill it in the middle."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import httpx

WRITERS = 4
OBSERVATION = {"resourceType": "Observation", "status": "final", "code": {"text": "written"}}
BUNDLE = {
    "resourceType": "Bundle",
    "type": "transaction",
    "entry": [{"resource": OBSERVATION, "request": {"method": "POST", "url": "Observation"}}] * 5,
}


@dataclass(slots=True)
class Writers:
    """Write single resources and bundles of five until the server is gone."""

    base: str
    acknowledged: list[str] = field(default_factory=list)
    """Where the resources of acknowledged writes can be read, below the base."""
    enough: threading.Event = field(default_factory=threading.Event)
    wanted: int = 200

    def until_gone(self, pool: ThreadPoolExecutor) -> None:
        for _ in range(WRITERS):
            pool.submit(self._write)

    def _write(self) -> None:
        with httpx.Client(timeout=10) as client:
            try:
                while True:
                    self._write_once(client)
            except httpx.TransportError:
                return

    def _write_once(self, client: httpx.Client) -> None:
        single = client.post(f"{self.base}/Observation", json=OBSERVATION, headers=JSON)
        if single.status_code == 201:
            self.acknowledged.append(f"Observation/{single.json()['id']}")
        bundle = client.post(self.base, json=BUNDLE, headers=JSON)
        if bundle.status_code == 200:
            self.acknowledged += [each["response"]["location"] for each in bundle.json()["entry"]]
        if len(self.acknowledged) >= self.wanted:
            self.enough.set()


JSON = {"Content-Type": "application/fhir+json"}
