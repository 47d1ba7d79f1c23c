"""Prints the coverage of each package from coverage.xml, and fails where one is under its threshold."""

import sys
from collections import defaultdict
from pathlib import Path
from xml.etree import ElementTree as ET

# Percent of lines. The kernel and the booking ledger are held higher: what they get wrong is seen by another company.
OVERALL = 85.0
THRESHOLDS = defaultdict(
    lambda: OVERALL,
    {
        "core": 90.0,
        "tenancy": 90.0,
        "planning": 90.0,
        "identity": 90.0,
        "cli": 75.0,
        "demo": 75.0,
    },
)


def package_of(filename: str) -> str:
    """Return the package of a module's path, with or without `backend/` before it ("(top)" for app.py)."""
    parts = Path(filename).parts
    parts = parts[1:] if parts[0] == "backend" else parts
    return parts[0] if len(parts) > 1 else "(top)"


def read(report: Path) -> dict[str, tuple[int, int]]:
    """Return (covered, all) lines per package."""
    counts: dict[str, tuple[int, int]] = defaultdict(lambda: (0, 0))
    for module in ET.parse(report).iter("class"):  # noqa: S314 - the file is written by our own test run
        hits = [int(line.attrib["hits"]) > 0 for line in module.iter("line")]
        covered, total = counts[package_of(module.attrib["filename"])]
        counts[package_of(module.attrib["filename"])] = (covered + sum(hits), total + len(hits))
    return dict(counts)


def percent(covered: int, total: int) -> float:
    """Return the share in percent; a package without a line is covered."""
    return 100.0 * covered / total if total else 100.0


def rows(counts: dict[str, tuple[int, int]]) -> list[tuple[str, int, float, float]]:
    """Return (package, lines, percent, threshold) per package, and the sum of all as the last one."""
    table = [(name, total, percent(covered, total), THRESHOLDS[name]) for name, (covered, total) in counts.items()]
    covered, total = (sum(count[i] for count in counts.values()) for i in (0, 1))
    return [*sorted(table), ("all", total, percent(covered, total), OVERALL)]


def main(report: Path) -> int:
    """Print the table; return 1 if a package or the whole is under its threshold, or if nothing was measured."""
    if not report.is_file():
        print(f"{report} is missing: run the suite first.")
        return 1
    table = rows(read(report))
    print(f"{'package':<16}{'lines':>8}{'covered':>10}{'at least':>10}")
    for name, lines, share, least in table:
        print(f"{name:<16}{lines:>8}{share:>9.1f}%{least:>9.0f}%{'' if share >= least else '   too low'}")
    return int(any(share < least for _, _, share, least in table) or table[-1][1] == 0)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1] if len(sys.argv) > 1 else "coverage.xml")))
