"""The table that closes the test run must be able to fail."""

from pathlib import Path

import pytest

from tests.house import coverage_by_package

REPORT = """<coverage><packages><package><classes>
<class filename="backend/tenancy/session.py"><lines>{tenancy}</lines></class>
<class filename="people/models.py"><lines><line number="1" hits="3"/></lines></class>
<class filename="backend/app.py"><lines><line number="1" hits="1"/></lines></class>
</classes></package></packages></coverage>"""


def report(folder: Path, hits: list[int]) -> Path:
    lines = "".join(f'<line number="{number}" hits="{hit}"/>' for number, hit in enumerate(hits, start=1))
    path = folder / "coverage.xml"
    path.write_text(REPORT.format(tenancy=lines), encoding="utf-8")
    return path


def test_a_package_under_its_threshold_fails_the_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert coverage_by_package.main(report(tmp_path, [1] * 8 + [0, 0])) == 1
    printed = capsys.readouterr().out
    assert [line.split()[0] for line in printed.splitlines() if line.endswith("too low")] == ["tenancy", "all"]


def test_covered_packages_pass(tmp_path: Path) -> None:
    path = report(tmp_path, [1] * 10)
    assert coverage_by_package.main(path) == 0
    assert coverage_by_package.read(path) == {"tenancy": (10, 10), "people": (1, 1), "(top)": (1, 1)}


def test_a_run_that_measured_nothing_fails(tmp_path: Path) -> None:
    assert coverage_by_package.main(tmp_path / "coverage.xml") == 1
