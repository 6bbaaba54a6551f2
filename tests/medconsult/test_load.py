"""`medconsult load` against a real database."""

from __future__ import annotations

import gzip
import json
import tarfile
from contextlib import closing
from io import BytesIO
from pathlib import Path
from typing import Any

import psycopg2
import pytest

from medconsult.load import run
from medconsult.settings import Settings

Resource = dict[str, Any]


@pytest.fixture
def settings(empty_database: str, tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path / "var", database_url=empty_database)


def stored(settings: Settings) -> dict[str, int]:
    """Return "Type/id" -> version of all there is."""
    with closing(psycopg2.connect(settings.database_url)) as session, session.cursor() as cursor:
        cursor.execute("SELECT type || '/' || id, version FROM resource")
        return dict(cursor.fetchall())


def patient(id_: str) -> Resource:
    return {"resourceType": "Patient", "id": id_, "active": True}


def observation(id_: str, subject: str) -> Resource:
    code = {"text": "pulse"}
    return {
        "resourceType": "Observation",
        "id": id_,
        "status": "final",
        "code": code,
        "subject": {"reference": subject},
    }


def lines(path: Path, *resources: Resource) -> Path:
    path.write_text("".join(json.dumps(resource) + "\n" for resource in resources))
    return path


def transaction(path: Path, *resources: Resource) -> Path:
    entries = [
        {
            "resource": resource,
            "request": {"method": "PUT", "url": f"{resource['resourceType']}/{resource['id']}"},
        }
        for resource in resources
    ]
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": entries}
    path.write_text(json.dumps(bundle))
    return path


def test_lines_may_refer_to_lines_of_a_later_file(settings: Settings, tmp_path: Path) -> None:
    lines(tmp_path / "a.ndjson", observation("o", "Patient/p"))
    lines(tmp_path / "b.ndjson", patient("p"))
    assert run(settings, [tmp_path]) == 0
    assert stored(settings) == {"Observation/o": 1, "Patient/p": 1}


def test_references_that_lead_nowhere_in_the_end_are_listed(
    settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = lines(tmp_path / "a.ndjson", observation("o", "Patient/p"))
    assert run(settings, [file]) == 1
    assert "missing Patient/p" in capsys.readouterr().err
    # The next load still knows of it, and is content once it is there.
    assert run(settings, [file]) == 1
    assert run(settings, [lines(tmp_path / "b.ndjson", patient("p"))]) == 0


def test_a_rejected_line_is_told_and_the_others_are_stored(
    settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = {**patient("w"), "gender": "neither"}
    file = lines(tmp_path / "a.ndjson", patient("p"), wrong, patient("q"))
    assert run(settings, [file]) == 1
    told = capsys.readouterr().err
    assert "line 2: Patient.gender" in told
    assert stored(settings) == {"Patient/p": 1, "Patient/q": 1}


def test_a_resource_that_comes_twice_in_one_file_gets_two_versions(
    settings: Settings, tmp_path: Path
) -> None:
    file = lines(tmp_path / "a.ndjson", patient("p"), {**patient("p"), "active": False})
    assert run(settings, [file]) == 0
    assert stored(settings) == {"Patient/p": 2}


def test_a_line_without_id_is_created(settings: Settings, tmp_path: Path) -> None:
    assert run(settings, [lines(tmp_path / "a.ndjson", {"resourceType": "Patient"})]) == 0
    assert len(stored(settings)) == 1


def test_a_bundle_waits_for_what_it_refers_to(settings: Settings, tmp_path: Path) -> None:
    transaction(tmp_path / "a.json", observation("o", "Patient/p"))
    transaction(tmp_path / "b.json", patient("p"))
    assert run(settings, [tmp_path]) == 0
    assert stored(settings) == {"Observation/o": 1, "Patient/p": 1}


def test_a_bundle_with_one_bad_entry_is_refused_whole_and_others_are_not(
    settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    transaction(tmp_path / "a.json", patient("a"), {**patient("b"), "gender": "neither"})
    transaction(tmp_path / "b.json", patient("p"))
    assert run(settings, [tmp_path]) == 1
    assert "Bundle.entry[1].resource.gender" in capsys.readouterr().err
    assert stored(settings) == {"Patient/p": 1}


def test_a_finished_file_is_skipped_unless_it_changed_or_again_is_asked(
    settings: Settings, tmp_path: Path
) -> None:
    file = lines(tmp_path / "a.ndjson", patient("p"))
    assert run(settings, [file]) == 0
    assert run(settings, [file]) == 0
    assert stored(settings) == {"Patient/p": 1}
    assert run(settings, [file], again=True) == 0
    assert stored(settings) == {"Patient/p": 2}
    lines(file, patient("p"), patient("q"))
    assert run(settings, [file]) == 0
    assert stored(settings) == {"Patient/p": 3, "Patient/q": 1}


def test_compressed_files_and_archives_are_opened(settings: Settings, tmp_path: Path) -> None:
    plain = lines(tmp_path / "a.ndjson", patient("a")).read_bytes()
    (tmp_path / "a.ndjson").unlink()
    (tmp_path / "a.ndjson.gz").write_bytes(gzip.compress(plain))
    with tarfile.open(tmp_path / "b.tar.gz", "w:gz") as archive:
        content = json.dumps(patient("b")).encode()
        member = tarfile.TarInfo("folder/b.json")
        member.size = len(content)
        archive.addfile(member, BytesIO(content))
    assert run(settings, [tmp_path]) == 0
    assert stored(settings) == {"Patient/a": 1, "Patient/b": 1}


def test_a_broken_archive_is_told_and_does_not_stop_the_rest(
    settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.ndjson.gz").write_bytes(gzip.compress(b'{"resourceType":"Patient"}\n')[:-9])
    (tmp_path / "b.tgz").write_bytes(b"no archive")
    lines(tmp_path / "c.ndjson", patient("c"))
    assert run(settings, [tmp_path]) == 1
    assert stored(settings) == {"Patient/c": 1}
    assert "b.tgz: It cannot be read" in capsys.readouterr().err


def test_a_collection_is_put_with_its_references(settings: Settings, tmp_path: Path) -> None:
    urn = "urn:uuid:3f0a5a3e-5f3c-4e0f-9c36-0d9b8f1f2a11"
    entries = [
        {"resource": observation("o", urn)},
        {"fullUrl": urn, "resource": patient("p")},
    ]
    bundle = {"resourceType": "Bundle", "type": "collection", "entry": entries}
    (tmp_path / "a.json").write_text(json.dumps(bundle))
    assert run(settings, [tmp_path / "a.json"]) == 0
    assert stored(settings) == {"Observation/o": 1, "Patient/p": 1}
