"""The commands that make tokens, and clients of others that use them, against a real server."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

import httpx
import pytest
from fhirclient.client import FHIRClient
from fhirclient.models.patient import Patient
from fhirpy import SyncFHIRClient

from tests.medconsult.test_mailing import free_port
from tests.medconsult.test_serve import COMMAND, Serve, serve

__all__ = ["serve"]
PASSWORD = "violet anchor teapot\n"


def command(folder: Path, *arguments: str, said: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [COMMAND, *arguments],
        env=os.environ | {"MEDCONSULT_DATA_DIR": str(folder / "var")},
        cwd=folder,
        input=said,
        capture_output=True,
        text=True,
        check=False,
    )


def get(url: str, token: str) -> httpx.Response:
    return httpx.get(url, headers={"authorization": f"Bearer {token}"})


def test_tokens_accounts_and_apps_are_made_beside_a_running_server(serve: Serve) -> None:
    server = serve("--workers", "2")
    base, folder = f"{server.url}/fhir", server.folder
    token = command(folder, "token", "--scope", "system/*.cruds").stdout
    assert token.count("\n") == 1
    token = token.strip()
    fhirpy = SyncFHIRClient(base, authorization=f"Bearer {token}")
    made = fhirpy.resource("Patient", name=[{"family": "Love"}])
    made.save()
    assert fhirpy.resources("Patient").search(family="love").fetch()[0].id == made.id
    library = FHIRClient({"app_id": "medconsult", "api_base": base})
    library.server.session.headers["Authorization"] = f"Bearer {token}"
    assert Patient.read(made.id, library.server).name[0].family == "Love"

    assert get(f"{base}/Patient", "x" * 20).status_code == 401
    in_url = httpx.get(f"{base}/Patient?access_token={token}")
    assert in_url.status_code == 401
    assert httpx.get(f"{base}/metadata").status_code == 200

    user = ["user", "add", "p@test.example", "--role", "patient"]
    user += ["--fhir-user", f"Patient/{made.id}", "--password-stdin"]
    assert command(folder, *user, said="password\n").returncode == 2
    assert command(folder, *user, said=PASSWORD).returncode == 0
    assert command(folder, *user, said=PASSWORD).returncode == 2
    own = command(folder, "token", "--scope", "patient/*.rs", "--user", "p@test.example")
    assert get(f"{base}/Patient/{made.id}", own.stdout.strip()).status_code == 200
    assert command(folder, "user", "disable", "p@test.example").returncode == 0
    deadline = time.monotonic() + 5
    while get(f"{base}/Patient/{made.id}", own.stdout.strip()).status_code != 401:
        assert time.monotonic() < deadline


def test_a_stopped_worker_keeps_what_was_read_in_its_last_moment(serve: Serve) -> None:
    server = serve("--workers", "1")
    assert server.url
    token = command(server.folder, "token", "--scope", "system/*.rs").stdout.strip()
    for _ in range(3):
        for _ in range(10):
            assert get(f"{server.url}/fhir/Patient", token).status_code == 200
        stopped = server.workers()
        os.kill(stopped[0], signal.SIGTERM)
        server.wait_for(lambda old=stopped: server.workers() not in ([], old))
    found = get(f"{server.url}/fhir/AuditEvent?_count=100&subtype=search-type", token).json()
    assert len(found["entry"]) == 30


def test_somebody_invited_gets_a_mail_with_a_link_to_the_running_server(serve: Serve) -> None:
    server = serve("--workers", "1", MEDCONSULT_DEMO="true")
    assert server.url
    invite = ["user", "add", "eve@test.example", "--role", "administrator", "--invite"]
    assert "link in a mail" in command(server.folder, *invite).stdout
    shown = httpx.get(f"{server.url}/demo/mail").text
    assert "eve@test.example" in shown
    assert f"{server.url}/auth/recover?token=" in shown


def test_new_keys_sign_from_the_next_start_on_and_old_tokens_stay_good(serve: Serve) -> None:
    port = ("--port", str(free_port()))
    before = serve(*port)
    assert before.url
    folder = before.folder
    old = command(folder, "token", "--scope", "system/*.rs").stdout.strip()
    assert command(folder, "rotate-keys").returncode == 0
    busy = command(folder, "reseal")
    assert (busy.returncode, "Stop the servers" in busy.stderr) == (2, True)
    new = command(folder, "token", "--scope", "system/*.rs").stdout.strip()
    before.program.terminate()
    before.program.wait(30)
    assert "were encrypted" in command(folder, "reseal").stdout
    again = serve(*port)
    assert get(f"{again.url}/fhir/Patient", old).status_code == 200
    assert get(f"{again.url}/fhir/Patient", new).status_code == 200


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["token", "--scope", "everything/at.once"], "no SMART scope"),
        (["token", "--scope", "patient/*.rs"], "without --user"),
        (["token", "--scope", "system/*.rs", "--lifetime", "9y"], "--lifetime"),
        (["token", "--scope", "user/*.rs", "--user", "x@y.example"], "no account"),
        (["client", "add", "X", "--redirect-uri", "http://x.example/cb"], "redirect_uris"),
        (["client", "disable", "x"], "no app"),
        (["user", "add", "x", "--role", "patient", "--password-stdin"], ""),
    ],
)
def test_what_cannot_be_made_is_said_in_a_sentence(
    tmp_path: Path, arguments: list[str], said: str
) -> None:
    done = command(tmp_path, *arguments, said="short\n")
    assert done.returncode == 2
    assert done.stdout == ""
    assert said in done.stderr
    assert "Traceback" not in done.stderr
