"""The four boards are what boards.py says, read only what exists, and can be asked of a live Prometheus."""

import re
from itertools import combinations
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from observability.grafana import asking
from observability.grafana.boards import BOARDS
from observability.grafana.panels import DASHBOARDS, RUNBOOKS, as_json
from tests.observability.test_prometheus import (
    ALERTS,
    OF_PROMETHEUS,
    OF_THE_BACKUP,
    RECORDED,
    ROOT,
    exposed,
    names_in,
    needs_promtool,
    promtool,
)

GRAFANA = ROOT / "observability" / "grafana"
LOADED = {board["uid"]: board for board in asking.load_boards()}
ASKED = [question for board in LOADED.values() for question in asking.questions(board)]
PANELS = [
    pytest.param(panel, id=f"{board['uid']}/{panel['title']}")
    for board in LOADED.values()
    for panel in board["panels"]
    if panel["type"] != "row"
]


def filled(question: asking.Question) -> str:
    values = {"__rate_interval": "1m", **asking.chosen(LOADED[question.board])}
    return asking.substitute(question.expr, values)


def raw_selectors(expr: str) -> list[tuple[str, str]]:
    """Return the metrics of an expression that no rule made, with what stands in their braces."""
    found = re.findall(r"\b([a-z_]+(?:_[a-z]+)+)(\{[^}]*\})?", re.sub(r'"[^"]*"', '"x"', expr))
    return [(name, braces) for name, braces in found if name in exposed()]


def test_there_are_four_boards_to_look_at() -> None:
    assert [board.title for board in BOARDS] == ["Service", "Companies", "Database and pool", "Migrations and tasks"]
    assert len(ASKED) >= 54


def test_generating_again_changes_nothing() -> None:
    committed = {path.stem: path.read_text(encoding="utf-8") for path in DASHBOARDS.glob("*.json")}
    assert committed == {board.uid: as_json(board) for board in BOARDS}, "run: python -m observability.grafana"


@pytest.mark.parametrize("question", ASKED, ids=lambda question: f"{question.panel}/{question.ref}")
def test_a_panel_reads_only_what_exists(question: asking.Question) -> None:
    read = names_in(question.expr) - {"histogram_quantile", "clamp_min"}
    assert read or question.expr.startswith("time()")
    assert read - exposed() - RECORDED - OF_PROMETHEUS - OF_THE_BACKUP == set()


@pytest.mark.parametrize("question", ASKED, ids=lambda question: f"{question.panel}/{question.ref}")
def test_a_panel_reads_the_job_that_was_chosen(question: asking.Question) -> None:
    joined = {"filage_slo_p95_target_seconds"}  # a promise is the same in every job
    without = [name for name, braces in raw_selectors(question.expr) if "job=~" not in braces]
    assert set(without) - joined == set()
    assert "{{" not in question.expr


@needs_promtool
def test_prometheus_can_read_every_expression(tmp_path: Path) -> None:
    rules = [{"record": f"board:q{number}", "expr": filled(question)} for number, question in enumerate(ASKED)]
    path = tmp_path / "boards.yml"
    path.write_text(yaml.safe_dump({"groups": [{"name": "boards", "rules": rules}]}), encoding="utf-8")
    done = promtool("check", "rules", path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{len(ASKED)} rules found" in done.stdout


@pytest.mark.parametrize("panel", PANELS)
def test_a_panel_is_one_question_with_a_unit(panel: dict[str, Any]) -> None:
    question = panel["description"].split("\n")[0]
    assert question.endswith("?")
    assert question.count("?") == 1
    if panel["type"] == "text":
        return
    assert panel["fieldConfig"]["defaults"]["unit"]
    assert panel["datasource"]["uid"] == "${datasource}"
    assert {target["datasource"]["uid"] for target in panel["targets"]} == {"${datasource}"}
    if panel["type"] == "table":
        columns = panel["fieldConfig"]["overrides"]
        units = [one["value"] for column in columns for one in column["properties"] if one["id"] == "unit"]
        assert len(units) == len(panel["targets"])
        assert all(units)


@pytest.mark.parametrize("board", LOADED.values(), ids=lambda board: board["uid"])
def test_panels_have_numbers_of_their_own_and_do_not_overlap(board: dict[str, Any]) -> None:
    numbers = [panel["id"] for panel in board["panels"]]
    assert len(set(numbers)) == len(numbers)
    places = [panel["gridPos"] for panel in board["panels"]]
    assert max(place["x"] + place["w"] for place in places) <= 24
    for one, other in combinations(places, 2):
        beside = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
        above = one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]
        assert beside or above, (one, other)


@pytest.mark.parametrize("board", LOADED.values(), ids=lambda board: board["uid"])
def test_a_board_asks_for_its_data_source_and_its_job(board: dict[str, Any]) -> None:
    kinds = {variable["name"]: variable["type"] for variable in board["templating"]["list"]}
    assert kinds["datasource"] == "datasource"
    assert kinds["job"] == "query"


@pytest.mark.parametrize("alert", sorted(ALERTS))
def test_the_board_that_an_alert_names_leads_to_the_alert_s_page(alert: str) -> None:
    board = LOADED[ALERTS[alert]["annotations"]["dashboard"]]
    links = {link["url"] for panel in board["panels"] for link in panel.get("links", [])}
    assert f"{RUNBOOKS}/{alert}.md" in links


def test_every_page_that_a_panel_leads_to_exists() -> None:
    links = {link["url"] for board in LOADED.values() for panel in board["panels"] for link in panel.get("links", [])}
    pages = {f"{RUNBOOKS}/{path.name}" for path in (ROOT / "deploy" / "runbooks").glob("*.md")}
    assert links
    assert links - pages == set()


def test_a_slow_route_leads_to_a_trace() -> None:
    targets = [target for board in LOADED.values() for panel in board["panels"] for target in panel.get("targets", [])]
    followed = [target["expr"] for target in targets if target.get("exemplar")]
    assert len(followed) == 1
    assert "http_server_request_duration_seconds_bucket" in followed[0]
    sources = yaml.safe_load((GRAFANA / "provisioning/datasources/filage.yml").read_text(encoding="utf-8"))
    kinds = {source["uid"]: source for source in sources["datasources"]}
    [destination] = kinds["prometheus"]["jsonData"]["exemplarTraceIdDestinations"]
    assert destination["name"] == "trace_id"
    assert kinds[destination["datasourceUid"]]["type"] == "jaeger"


def test_the_companies_past_the_cap_are_shown_the_way() -> None:
    texts = [panel["options"]["content"] for panel in LOADED["filage-companies"]["panels"] if panel["type"] == "text"]
    assert any("filage latency --company" in text for text in texts)


def prometheus_that_says(**results: list[Any]) -> httpx.Client:
    def answer(request: httpx.Request) -> httpx.Response:
        query = httpx.QueryParams(request.content.decode())["query"]
        found = next((values for name, values in results.items() if name in query), [])
        series = [{"metric": {}, "value": [0, value]} for value in found]
        return httpx.Response(200, json={"status": "success", "data": {"resultType": "vector", "result": series}})

    return httpx.Client(transport=httpx.MockTransport(answer), base_url="http://prometheus.test")


def board_of(*panels: tuple[str, str, str]) -> dict[str, Any]:
    return {
        "uid": "b",
        "templating": {"list": [{"name": "job", "current": {"value": "$__all"}, "allValue": "filage-.*"}]},
        "panels": [
            {
                "title": title,
                "fieldConfig": {"defaults": {"noValue": excuse} if excuse else {}},
                "targets": [{"refId": "A", "expr": expr}],
            }
            for title, expr, excuse in panels
        ],
    }


def test_the_panels_without_an_answer_are_named() -> None:
    board = board_of(
        ("full", "up{job=~'$job'}[$__rate_interval]", ""),
        ("empty", "away", ""),
        ("nan", "undefined", ""),
        ("new", "old", "why"),
    )
    with prometheus_that_says(up=["1", "2"], undefined=["NaN"]) as client:
        answers = asking.ask(client, boards=[board])
    assert [(answer.question.panel, answer.series) for answer in answers] == [
        ("full", 2),
        ("empty", 0),
        ("nan", 0),
        ("new", 0),
    ]
    assert answers[0].asked == "up{job=~'filage-.*'}[1m]"
    assert asking.missing(answers) == ["b / empty (A): 0 series for away", "b / nan (A): 0 series for undefined"]


def test_a_variable_without_a_value_is_refused() -> None:
    with pytest.raises(asking.AskingError, match=r"\$route has no value"):
        asking.substitute('a{route=~"${route:regex}"}', {"job": "x"})


def test_what_prometheus_refuses_is_said() -> None:
    def refuse(_request: httpx.Request) -> httpx.Response:
        return httpx.Response(400, json={"status": "error", "error": "parse error"})

    client = httpx.Client(transport=httpx.MockTransport(refuse), base_url="http://prometheus.test")
    with client, pytest.raises(asking.AskingError, match="refused up: parse error"):
        asking.ask(client, boards=[board_of(("one", "up", ""))])
