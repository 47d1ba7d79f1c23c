"""Real load on a real service, seen through a real Prometheus: boards, the p95, exemplars, and a process that dies."""

import math
import os
import shutil
import signal
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from playwright.async_api import async_playwright

from backend.telemetry.metrics import HTTP_SECONDS
from backend.tenancy import embedded
from backend.tenancy.migrations import revisions
from observability.grafana import asking
from tests.migrations.stage import Stage, new_stage
from tests.observability.watched import JOB, Watched, boards_of, watched

pytestmark = [
    pytest.mark.database,
    pytest.mark.postgresql,
    pytest.mark.timeout(300),
    pytest.mark.skipif(
        shutil.which("prometheus") is None,
        reason="NOT RUN, end to end: Prometheus is not installed (Debian: apt install prometheus)",
    ),
]
CHROMIUM = shutil.which("chromium")
# Nothing was watched a week ago, no migration is under way, and nobody makes a backup there.
EXCUSED = {"p95 against a week ago", "Time left", "Since the last backup"}
READS = f'http_server_request_duration_seconds_bucket{{job="{JOB}",http_route=~"/api/.*",http_request_method="GET"}}'


@pytest.fixture(scope="module")
def service(own_server: embedded.EmbeddedServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    folder = tmp_path_factory.mktemp("watched")
    stage = new_stage(own_server, folder)
    with watched(stage.environment, folder) as found:
        migrate_and_back(stage)
        found.load(20, least=300)
        yield found


def migrate_and_back(stage: Stage) -> None:
    """Take the company one revision back and up again: a fleet migration to see."""
    for words in (["--only", ",".join(stage.revisions()), "--to", revisions("tenant")[-2]], []):
        done = stage.run(*words)
        assert done.returncode == 0, done.stderr


def test_every_panel_has_something_to_show(service: Watched) -> None:
    answers = asking.ask(service.prometheus)
    assert len(answers) >= 54
    assert asking.missing(answers) == []
    excused = {answer.question.panel for answer in answers if not answer.series}
    assert excused <= EXCUSED


def all_reads(service: Watched) -> list[float]:
    """Return the durations of the reads in the log, in seconds and in order, once Prometheus counts as many.

    An answer leaves before its line is written, and is counted at the next scrape.
    """
    counted = f"sum({READS.replace('_bucket', '_count')})"
    for _ in range(60):
        found = sorted(line["duration_ms"] / 1000 for line in service.requests() if line["http.method"] == "GET")
        if service.figure(counted) == len(found):
            return found
        time.sleep(1)
    pytest.fail(f"Prometheus counts {service.figure(counted)} reads, the log {len(found)}")


def test_prometheus_counts_every_request_and_has_their_p95(service: Watched) -> None:
    """A quantile is as good as the bounds are near: more load brings it within 15 %, or into the right bucket."""
    for _ in range(3):
        exact = all_reads(service)
        p95 = exact[math.ceil(0.95 * len(exact)) - 1]
        seen = service.figure(f"histogram_quantile(0.95, sum by (le) ({READS}))")
        if seen == pytest.approx(p95, rel=0.15):
            return
        service.load(10, least=200)
    above = next(bound for bound in HTTP_SECONDS if bound >= seen)
    below = max((bound for bound in HTTP_SECONDS if bound < seen), default=0)
    assert below < p95 <= above, f"Prometheus says {seen} s, the log {p95} s"


@pytest.mark.skipif(
    CHROMIUM is None, reason="NOT RUN, end to end: Chromium is not installed (Debian: apt install chromium)"
)
async def test_the_four_boards_draw_what_prometheus_holds(service: Watched, tmp_path: Path) -> None:
    wrong: list[str] = []
    prometheus = str(service.prometheus.base_url).rstrip("/")
    pictures = Path(os.environ.get("FILAGE_TEST_PICTURES", tmp_path))
    async with boards_of(prometheus) as site, async_playwright() as driver:
        browser = await driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        tab = await browser.new_page(viewport={"width": 1440, "height": 900})
        tab.on("pageerror", lambda error: wrong.append(str(error)))
        for board in asking.load_boards():
            await tab.goto(f"{site}/#{board['uid']}")
            await tab.wait_for_selector(f"body[data-drawn={board['uid']}]")
            excused = {panel["title"] for panel in board["panels"] if panel["title"] in EXCUSED}
            assert await tab.locator(".empty").count() <= len(excused)
            picture = pictures / f"{board['uid']}.png"
            await tab.screenshot(path=picture, full_page=True)
            assert picture.stat().st_size > 20_000
        await browser.close()
    assert wrong == []


def test_a_point_of_a_graph_leads_to_a_trace_with_its_statements(service: Watched) -> None:
    now = datetime.now(UTC)
    asked = {"query": READS, "start": str((now - timedelta(minutes=10)).timestamp()), "end": str(now.timestamp())}
    series = service.prometheus.get("/api/v1/query_exemplars", params=asked).json()["data"]
    points = [point for found in series for point in found["exemplars"]]
    assert len(points) > 10
    traces = [service.collector.trace(point["labels"]["trace_id"]) for point in points]
    roots = [span for trace in traces for span in trace if not span.parent_span_id]
    assert len(roots) == len(points)
    for trace, root in zip(traces, roots, strict=True):
        below = [span for span in trace if span.parent_span_id == root.span_id]
        assert "SELECT" in {span.name for span in below if span.kind == Span.SPAN_KIND_CLIENT}


def test_a_process_that_is_killed_is_missed_replaced_and_leaves_no_figure_behind(service: Watched) -> None:
    first, second = service.processes()
    before, began = len(service.answered), service.figure(f'min(process_start_time_seconds{{job="{JOB}"}})')
    loading = threading.Thread(target=service.load, args=(10, 50))
    loading.start()
    os.kill(first, signal.SIGKILL)
    service.until(
        f'max(process_start_time_seconds{{job="{JOB}"}}) > {began + 1} and on () count(up{{job="{JOB}"}} == 1) == 2'
    )
    loading.join()
    answers = service.answered[before:]
    assert second in service.processes()
    assert first not in service.processes()
    assert len(answers) >= 50
    assert max(answers) < 500
    assert answers.count(0) <= 3
    service.until(f'sum(http_server_active_requests{{job="{JOB}"}}) == 0')
    service.until(f'sum(db_client_connection_count{{job="{JOB}",db_client_connection_state="used"}}) == 0')
