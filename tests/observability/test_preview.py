"""The preview serves the committed boards on the loopback, passes on questions alone, and ends what it started."""

import asyncio
import contextlib
import json
import shutil
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Literal

import httpx
import pytest
import uvicorn
import yaml
from httpx import ASGITransport, AsyncClient
from playwright.async_api import async_playwright

from observability.grafana import asking
from observability.preview import __main__ as starting
from observability.preview import load, processes, server
from tests.helpers import SignedUpCompany
from tests.observability.test_prometheus import PROMETHEUS, ROOT, needs_promtool, promtool

STATIC = ROOT / "observability" / "preview" / "static"
CHROMIUM = shutil.which("chromium")
needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed (Debian: chromium)")
LABELS = {
    "http_route": "/api/v1/planning",
    "tenant": "t_000001",
    "state": "done",
    "le": "0.1",
    "version": "0.1.0",
    "instance": "127.0.0.1:9464",
}


def answer_to(path: str, parameters: httpx.QueryParams) -> object:
    """Return what a Prometheus that holds one series would say."""
    if path.endswith("/values"):
        return ["filage-api", "t_000001"]
    if path.endswith("/query_exemplars"):
        one = {"labels": {"trace_id": "0" * 32}, "value": "0.2", "timestamp": float(parameters["start"]) + 60}
        return [{"seriesLabels": LABELS, "exemplars": [one]}]
    if path.endswith("/query"):
        return {"resultType": "vector", "result": [{"metric": LABELS, "value": [0, "0.25"]}]}
    times = range(int(parameters["start"]), int(parameters["end"]) + 1, int(parameters["step"]))
    return {"resultType": "matrix", "result": [{"metric": LABELS, "values": [[at, "0.25"] for at in times]}]}


def nothing(url: httpx.URL) -> object:
    """Return what a Prometheus that holds nothing would say."""
    return {"resultType": "matrix", "result": []} if url.path.endswith(("/query", "/query_range")) else []


class Answering(BaseHTTPRequestHandler):
    """Stands for Prometheus: answers each question with one series, or with none, and remembers it."""

    asked: list[str]
    full: bool

    def do_GET(self) -> None:
        self.asked.append(self.path)
        url = httpx.URL(self.path)
        body = json.dumps(
            {"status": "success", "data": answer_to(url.path, url.params) if self.full else nothing(url)}
        ).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it so
        pass


@pytest.fixture
def stand_in(request: pytest.FixtureRequest) -> Iterator[tuple[str, list[str]]]:
    asked: list[str] = []
    handler = type("Handler", (Answering,), {"asked": asked, "full": getattr(request, "param", True)})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as listening:
        thread = Thread(target=listening.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{listening.server_port}", asked
        listening.shutdown()
        thread.join()


@contextlib.asynccontextmanager
async def page(prometheus: str, host: str = "127.0.0.1") -> AsyncIterator[AsyncClient]:
    app = server.make_app(prometheus, lambda: {"answered": {}})
    transport = ASGITransport(app)
    async with app.router.lifespan_context(app), AsyncClient(transport=transport, base_url=f"http://{host}") as client:
        yield client


async def test_the_page_shows_the_files_that_grafana_reads(stand_in: tuple[str, list[str]]) -> None:
    async with page(stand_in[0]) as client:
        assert (await client.get("/boards")).json() == asking.load_boards()
        index = (await client.get("/")).text
        assert "http://" not in index
        assert "https://" not in index


async def test_every_runbook_that_a_panel_leads_to_is_served_and_nothing_beside(
    stand_in: tuple[str, list[str]],
) -> None:
    links = {
        link["url"] for board in asking.load_boards() for panel in board["panels"] for link in panel.get("links", [])
    }
    async with page(stand_in[0]) as client:
        assert {(await client.get(link)).status_code for link in links} == {200}
        for path in ("..%2Fcompose.yaml", "%2e%2e/README.md", "nothing.md"):
            assert (await client.get(f"/public/runbooks/{path}")).status_code == 404


async def test_questions_are_passed_on_as_they_are(stand_in: tuple[str, list[str]]) -> None:
    address, asked = stand_in
    async with page(address) as client:
        answer = await client.get(
            "/prometheus/query_range", params={"query": 'up{job="a b"}', "start": 5, "end": 10, "step": 5}
        )
        assert answer.json()["data"]["result"][0]["values"] == [[5, "0.25"], [10, "0.25"]]
        await client.get("/prometheus/label/http_route/values", params={"match[]": "up"})
    assert [httpx.URL(path).path for path in asked] == ["/api/v1/query_range", "/api/v1/label/http_route/values"]
    assert httpx.URL(asked[0]).params["query"] == 'up{job="a b"}'


@pytest.mark.parametrize("path", ["/prometheus/admin", "/prometheus/status", "/prometheus/..%2F-%2Fquit"])
async def test_nothing_else_is_passed_on(stand_in: tuple[str, list[str]], path: str) -> None:
    address, asked = stand_in
    async with page(address) as client:
        assert (await client.get(path)).status_code == 404
        assert (await client.post("/prometheus/query")).status_code == 405
    assert asked == []


async def test_a_host_that_is_not_this_machine_is_refused(stand_in: tuple[str, list[str]]) -> None:
    async with page(stand_in[0], "boards.example.org") as client:
        assert (await client.get("/boards")).status_code == 400


async def test_a_prometheus_that_is_away_is_said() -> None:
    async with page(f"http://127.0.0.1:{processes.free_port()}") as client:
        answer = await client.get("/prometheus/query", params={"query": "up"})
    assert answer.status_code == 502
    assert "Prometheus does not answer" in answer.json()["error"]


def test_without_prometheus_a_sentence_says_how_to_install_it(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "observability.preview"],
        cwd=tmp_path,
        env={"PATH": str(tmp_path), "PYTHONPATH": str(ROOT), "PORT": str(processes.free_port())},
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )
    assert done.returncode == 1
    assert (
        done.stderr
        == "Prometheus is missing: install it (Debian, Ubuntu: apt install prometheus), then run this again.\n"
    )
    assert not (tmp_path / "var").exists()


def start_nothing(port: int, _folder: Path) -> None:
    pytest.fail(f"the preview was started on {port}")


@pytest.mark.parametrize("port", ["0", "65536", "8 001", "huit"])
def test_a_port_that_is_none_is_refused_with_a_sentence(
    port: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PORT", port)
    monkeypatch.setattr(starting, "_preview", start_nothing)
    assert starting.main() == 1
    assert capsys.readouterr().err == f"PORT is a number from 1 to 65535: not {port}.\n"


def test_a_port_that_is_taken_is_refused_before_anything_starts(
    stand_in: tuple[str, list[str]], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PORT", str(httpx.URL(stand_in[0]).port))
    monkeypatch.setattr(starting, "_preview", start_nothing)
    assert starting.main() == 1
    assert "is taken" in capsys.readouterr().err


@needs_promtool
def test_prometheus_takes_the_configuration_of_the_preview(tmp_path: Path) -> None:
    path = processes.write_configuration(tmp_path, {"filage-api": ["127.0.0.1:9464"]}, every="2s")
    done = promtool("check", "config", path)
    assert done.returncode == 0, done.stdout + done.stderr
    written = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert written["global"]["evaluation_interval"] == "2s"


def test_the_preview_evaluates_the_committed_rules(tmp_path: Path) -> None:
    processes.write_configuration(tmp_path, {})
    for path in (PROMETHEUS / "rules").glob("*.yml"):
        committed, copied = (
            yaml.safe_load(file.read_text(encoding="utf-8"))["groups"]
            for file in (path, tmp_path / "rules" / path.name)
        )
        assert [group["rules"] for group in copied] == [group["rules"] for group in committed]
        assert [group for group in copied if "interval" in group] == []


def test_what_was_started_is_ended_and_saw_no_setting_of_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FILAGE_DATABASE_URL", "postgresql+psycopg://somebody@127.0.0.1/theirs")
    monkeypatch.setenv("FILAGE_SMTP_HOST", "mail.example.org")
    told = "import os, time; print([n for n in os.environ if n.startswith('FILAGE_')], flush=True); time.sleep(60)"
    log = tmp_path / "somebody.log"
    with processes.running([sys.executable, "-c", told], log, {"FILAGE_VAR_DIR": "x"}) as process:
        while not log.read_text(encoding="utf-8").endswith("\n"):
            assert process.poll() is None
    assert process.poll() is not None
    assert log.read_text(encoding="utf-8") == "['FILAGE_VAR_DIR']\n"


def test_a_process_that_ends_at_its_start_is_said(tmp_path: Path) -> None:
    log = tmp_path / "demo.log"
    with processes.running([sys.executable, "-c", ""], log, {}) as process:
        process.wait()
        with pytest.raises(processes.StartError, match=r"The demo ended at its start: see .*demo\.log"):
            processes.wait_until_ready("http://127.0.0.1:1/", process, log)


def test_uplot_comes_with_its_licence_and_says_its_version() -> None:
    assert "Leon Sorokin" in (STATIC / "uplot" / "LICENSE").read_text(encoding="utf-8")
    assert "v1.6.32" in (STATIC / "uplot" / "uPlot.iife.min.js").read_text(encoding="utf-8")[:500]
    for path in STATIC.glob("*"):
        if path.is_file():
            assert "https://" not in path.read_text(encoding="utf-8"), path.name


async def test_the_load_asks_what_the_product_knows_and_goes_wrong_where_it_means_to(
    client: AsyncClient, company: SignedUpCompany
) -> None:
    found = load.Load("http://filage.test", {company.slug: company.token})
    async with AsyncClient(transport=client._transport, base_url="http://filage.test/api/v1") as inside:
        for act in load.ACTS:
            gate = asyncio.Semaphore(0)
            await found.perform(inside, act, company.slug, gate)
            assert not gate.locked()
    wrong = {status: number for status, number in found.answered.items() if status >= "400"}
    assert wrong == {"401": 2, "404": 3, "422": 2}
    assert found.answered["200"] + found.answered["202"] == len(load.ACTS) - 7


@pytest.fixture
async def site(stand_in: tuple[str, list[str]]) -> AsyncIterator[str]:
    app = server.make_app(stand_in[0], lambda: server.state_of("http://127.0.0.1:1", stand_in[0], Counter({"200": 3})))
    serving = uvicorn.Server(uvicorn.Config(app, log_level="warning"))
    with socket.create_server(("127.0.0.1", 0)) as listening:
        task = asyncio.create_task(serving.serve([listening]))
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        serving.should_exit = True
        await task


@needs_chromium
@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_the_page_draws_every_panel_of_every_board(site: str, scheme: Literal["light", "dark"]) -> None:
    wrong: list[str] = []
    async with async_playwright() as driver:
        browser = await driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        tab = await browser.new_page(color_scheme=scheme)
        tab.on("pageerror", lambda error: wrong.append(str(error)))
        tab.on("console", lambda line: wrong.append(line.text) if line.type == "error" else None)
        for board in asking.load_boards():
            await tab.goto(f"{site}/#{board['uid']}")
            await tab.wait_for_selector(f"body[data-drawn={board['uid']}]")
            panels = [panel for panel in board["panels"] if panel["type"] != "row"]
            assert await tab.locator(".panel").count() == len(panels)
            assert await tab.locator(".empty").all_text_contents() == []
            drawn = {kind: sum(panel["type"] == kind for panel in panels) for kind in ("timeseries", "heatmap", "stat")}
            assert await tab.locator("canvas").count() == drawn["timeseries"] + drawn["heatmap"]
            assert await tab.locator(".figures").count() == drawn["stat"]
            await tab.locator(".u-over").first.hover()
            await tab.locator(".tip:visible").wait_for()
        assert "200: 3" in await tab.inner_text("#state")
        await browser.close()
    assert wrong == []


@needs_chromium
@pytest.mark.parametrize("stand_in", [False], indirect=True)
async def test_a_panel_without_figures_says_why(site: str) -> None:
    async with async_playwright() as driver:
        browser = await driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        tab = await browser.new_page()
        for board in asking.load_boards():
            await tab.goto(f"{site}/#{board['uid']}")
            await tab.wait_for_selector(f"body[data-drawn={board['uid']}]")
            panels = [panel for panel in board["panels"] if panel["type"] not in {"row", "text"}]
            reasons = [panel["fieldConfig"]["defaults"].get("noValue", "no figures yet") for panel in panels]
            assert await tab.locator(".empty").all_text_contents() == reasons
        await browser.close()
