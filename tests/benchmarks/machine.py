"""What the kernel of the machine counts: processor time of a process or a database server, and the machine's shape."""

import os
import platform
from pathlib import Path

PROC = Path("/proc")
_PARENT, _USER, _SYSTEM, _CHILDREN_USER, _CHILDREN_SYSTEM = 1, 11, 12, 13, 14  # places after the command's name


def processor_seconds(pid: int) -> float:
    """Return the processor time that a process has used, in seconds (the kernel counts in ticks of 10 ms)."""
    fields = _stat(PROC / str(pid) / "stat")
    return _seconds(fields[_USER], fields[_SYSTEM])


def family_seconds(pid: int) -> float:
    """Return the processor time of a process and its children, the ended ones too: of a whole database server."""
    own = _stat(PROC / str(pid) / "stat")
    total = _seconds(own[_USER], own[_SYSTEM], own[_CHILDREN_USER], own[_CHILDREN_SYSTEM])
    for path in PROC.glob("[0-9]*/stat"):
        try:
            fields = _stat(path)
        except OSError:
            continue  # it has ended meanwhile, and its parent counts it
        if fields[_PARENT] == str(pid):
            total += _seconds(fields[_USER], fields[_SYSTEM])
    return total


def describe() -> dict[str, object]:
    """Return what a reader must know to compare figures: cores, load before the run, Python."""
    return {
        "cores": len(os.sched_getaffinity(0)),
        "load_before": round(os.getloadavg()[0], 1),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
    }


def _stat(path: Path) -> list[str]:
    # The name may hold blanks and brackets: what follows its last bracket is plain.
    return path.read_text(encoding="utf-8").rpartition(")")[2].split()


def _seconds(*ticks: str) -> float:
    return sum(int(each) for each in ticks) / os.sysconf("SC_CLK_TCK")
