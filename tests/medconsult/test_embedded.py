"""The embedded PostgreSQL has one owner, outlives a killed one, and ends with a living one."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg2
import pytest

from medconsult.cluster import Cluster
from medconsult.embedded import AlreadyRunning, cluster_in, database, running
from medconsult.postgres_programs import EmbeddedError, installed_programs, programs_for
from medconsult.settings import load_settings

HOLD = """
import sys, time, pathlib
from medconsult.cluster import Cluster
from medconsult.embedded import running
with running(pathlib.Path(sys.argv[1])) as (cluster, url):
    print(url, flush=True)
    time.sleep(60)
"""


def ask(url: str, statement: str) -> Any:
    with closing(psycopg2.connect(url)) as session, session, session.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchone() if cursor.description else None


@pytest.fixture
def owner(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """Another program that owns the folder and runs its PostgreSQL."""
    command = [sys.executable, "-c", HOLD, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as program:
        yield program
        program.kill()
    cluster_in(tmp_path).stop()


def url_of(owner: subprocess.Popen[str]) -> str:
    assert owner.stdout
    return next(line.strip() for line in owner.stdout if line.startswith("postgresql:"))


def kill(owner: subprocess.Popen[str]) -> None:
    owner.kill()
    owner.wait()


def ended(pid: int) -> bool:
    deadline = time.monotonic() + 10
    while Path(f"/proc/{pid}").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    return not Path(f"/proc/{pid}").exists()


def test_records_are_there_after_a_clean_stop_and_nothing_runs_meanwhile(tmp_path: Path) -> None:
    with running(tmp_path) as (cluster, url):
        ask(url, "CREATE TABLE kept AS SELECT 1 AS one")
        postmaster = cluster.postmaster()
    assert postmaster is not None
    assert ended(postmaster.pid)
    assert cluster.postmaster() is None
    with running(tmp_path) as (_, url):
        assert ask(url, "SELECT one FROM kept") == (1,)


def test_an_acknowledged_write_is_never_only_in_memory(tmp_path: Path) -> None:
    with running(tmp_path) as (_, url):
        for setting in ("fsync", "synchronous_commit", "full_page_writes"):
            assert ask(url, f"SHOW {setting}") == ("on",)


def test_nothing_listens_on_the_network(tmp_path: Path) -> None:
    with running(tmp_path) as (_, url):
        assert ask(url, "SHOW listen_addresses") == ("",)


def test_a_second_owner_is_refused_with_the_pid_of_the_first(tmp_path: Path) -> None:
    with (
        running(tmp_path),
        pytest.raises(AlreadyRunning, match=rf"pid {os.getpid()}\b.*MEDCONSULT_DATA_DIR"),
        running(tmp_path),
    ):
        pass


def test_another_command_uses_the_database_of_the_owner(tmp_path: Path) -> None:
    settings = load_settings(data_dir=tmp_path)
    with running(tmp_path) as (_, url):
        with database(settings) as found:
            assert found == url
        assert ask(url, "SELECT 1") == (1,)


def test_after_kill_9_of_the_owner_the_next_start_has_every_write(
    owner: subprocess.Popen[str], tmp_path: Path
) -> None:
    url = url_of(owner)
    ask(url, "CREATE TABLE kept AS SELECT 1 AS one")
    kill(owner)
    assert cluster_in(tmp_path).postmaster() is not None
    with running(tmp_path) as (_, url):
        assert ask(url, "SELECT one FROM kept") == (1,)


def test_after_kill_9_of_owner_and_postgresql_the_next_start_has_every_write(
    owner: subprocess.Popen[str], tmp_path: Path
) -> None:
    url = url_of(owner)
    ask(url, "CREATE TABLE kept AS SELECT 1 AS one")
    postmaster = cluster_in(tmp_path).postmaster()
    assert postmaster is not None
    os.kill(postmaster.pid, signal.SIGKILL)
    kill(owner)
    with running(tmp_path) as (_, url):
        assert ask(url, "SELECT one FROM kept") == (1,)


def test_a_pid_file_that_names_a_stranger_does_not_stop_the_start(tmp_path: Path) -> None:
    with running(tmp_path) as (cluster, _):
        lines = (cluster.directory / "postmaster.pid").read_text().splitlines()
    lines[0] = str(os.getpid())
    (cluster.directory / "postmaster.pid").write_text("\n".join(lines))
    with running(tmp_path) as (_, url):
        assert ask(url, "SELECT 1") == (1,)


def test_an_initialisation_cut_short_is_begun_again(tmp_path: Path) -> None:
    unfinished = tmp_path / "postgresql.unfinished"
    unfinished.mkdir()
    (unfinished / "PG_VERSION").write_text("18\n")
    with running(tmp_path) as (_, url):
        assert ask(url, "SELECT 1") == (1,)


def test_a_long_or_odd_path_gets_its_socket_elsewhere(tmp_path: Path) -> None:
    folder = tmp_path / ("long" * 25) / "with space, comma 'and quote'"
    with running(folder) as (cluster, url):
        assert ask(url, "SELECT 1") == (1,)
        postmaster = cluster.postmaster()
        assert postmaster is not None
        assert Path(postmaster.socket_directory).stat().st_mode & 0o077 == 0
    assert not Path(postmaster.socket_directory).exists()


def test_it_runs_where_only_its_owner_may_look(tmp_path: Path) -> None:
    """As in root's home: programs and records lie in a folder that is closed to other accounts."""
    installed = installed_programs().parents[1]
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    for part in (installed, installed.with_name(installed.name + ".libs")):
        shutil.copytree(part, closed / part.name, ignore=shutil.ignore_patterns("pginstall"))
    directory = closed / "postgresql"
    folder = closed / installed_programs().relative_to(installed.parent)
    cluster = Cluster(directory, programs_for(directory, folder))
    try:
        assert ask(cluster.start(), "SELECT 1") == (1,)
    finally:
        cluster.stop()


def test_data_of_another_postgresql_release_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "postgresql"
    folder.mkdir()
    (folder / "PG_VERSION").write_text("16\n")
    with pytest.raises(EmbeddedError, match=r"PostgreSQL 16.*pg_dump"), running(tmp_path):
        pass
