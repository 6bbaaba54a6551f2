"""What processes have used, from the kernel's accounts in /proc."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")


def _fields(pid: str) -> list[str]:
    """Return /proc/<pid>/stat from its third field on; [] when the process has ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def tree(root: int) -> set[str]:
    """Return the process and all that descend from it."""
    parents = {
        name: fields[1]
        for name in os.listdir("/proc")
        if name.isdigit() and (fields := _fields(name))
    }
    found, grew = {str(root)}, True
    while grew:
        below = {pid for pid, parent in parents.items() if parent in found}
        grew = not below <= found
        found |= below
    return found


def cpu(roots: Iterable[int]) -> float:
    """Return the CPU seconds of these processes' trees, ended children included."""
    pids = set[str]().union(*(tree(root) for root in roots))
    return sum(sum(map(int, fields[11:15])) for pid in pids if (fields := _fields(pid))) / TICKS


def resident(root: int) -> dict[int, float]:
    """Return resident megabytes of each process of a tree."""
    found = {}
    for pid in tree(root):
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
        kilobytes = next(line.split()[1] for line in lines if line.startswith("VmRSS"))
        found[int(pid)] = int(kilobytes) / 1024
    return found


def precise(roots: Iterable[int]) -> float:
    """Return CPU seconds to the microsecond; threads and children that have ended do not count."""
    pids = set[str]().union(*(tree(root) for root in roots))
    return (
        sum(_scheduled(path) for pid in pids for path in Path(f"/proc/{pid}/task").glob("*")) / 1e9
    )


def _scheduled(task: Path) -> int:
    """Return the nanoseconds that the thread has run; 0 when it has ended."""
    try:
        return int((task / "schedstat").read_text().split()[0])
    except OSError:
        return 0
