"""Asks a live Prometheus what the committed boards ask, and says which questions have no answer.

The preview and the end-to-end test read the same files as Grafana, and fill in its variables the same way.
"""

import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

DASHBOARDS = Path(__file__).parent / "dashboards"
ANYTHING = ".+"
_VARIABLE = re.compile(r"\$(?:\{(\w+)(?::\w+)?\}|(\w+))")


class AskingError(RuntimeError):
    """Prometheus refused a question, or a variable has no value; the message says which."""


@dataclass(frozen=True, slots=True)
class Question:
    """One expression of a panel; `excuse` is why it may have no answer, empty where it must have one."""

    board: str
    panel: str
    ref: str
    expr: str
    excuse: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What Prometheus said: the expression as it was asked, and how many series have a figure."""

    question: Question
    asked: str
    series: int

    @property
    def is_missing(self) -> bool:
        """Tell whether there is no figure though there should be one."""
        return self.series == 0 and not self.question.excuse

    def __str__(self) -> str:
        """Name the place: board, panel and query, then what was asked."""
        place = self.question
        return f"{place.board} / {place.panel} ({place.ref}): {self.series} series for {self.asked}"


def load_boards(folder: Path = DASHBOARDS) -> list[dict[str, Any]]:
    """Return the boards as Grafana reads them, by file name."""
    return [json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.json"))]


def questions(board: Mapping[str, Any]) -> Iterator[Question]:
    """Yield every expression of a board."""
    for panel in board["panels"]:
        excuse = panel.get("fieldConfig", {}).get("defaults", {}).get("noValue", "")
        for target in panel.get("targets", []):
            yield Question(board["uid"], panel["title"], target["refId"], target["expr"], excuse)


def chosen(board: Mapping[str, Any]) -> dict[str, str]:
    """Return the values of a board's variables as it opens; a variable that has no value yet stands for anything."""
    found = {}
    for variable in board["templating"]["list"]:
        value = str(variable.get("current", {}).get("value") or ANYTHING)
        found[variable["name"]] = str(variable.get("allValue") or ANYTHING) if value == "$__all" else value
    return found


def substitute(expr: str, values: Mapping[str, str]) -> str:
    """Return an expression with its variables filled in; refuses a variable that has no value."""

    def value(found: re.Match[str]) -> str:
        name = found[1] or found[2]
        if name not in values:
            raise AskingError(f"The variable ${name} has no value in: {expr}")
        return values[name]

    return _VARIABLE.sub(value, expr)


def ask(
    prometheus: httpx.Client, values: Mapping[str, str] | None = None, boards: list[dict[str, Any]] | None = None
) -> list[Answer]:
    """Ask each question of each board once, now; `prometheus` has the server's address as its `base_url`.

    `values` go before the variables as the boards open; `__rate_interval` is a minute when it is not among them.
    """
    answers = []
    for board in load_boards() if boards is None else boards:
        filled = {"__rate_interval": "1m", **chosen(board), **(values or {})}
        for question in questions(board):
            asked = substitute(question.expr, filled)
            answers.append(Answer(question, asked, _figures(prometheus, asked)))
    return answers


def missing(answers: list[Answer]) -> list[str]:
    """Return a line for each question that should have an answer and has none."""
    return [str(answer) for answer in answers if answer.is_missing]


def _figures(prometheus: httpx.Client, expr: str) -> int:
    answer = prometheus.post("/api/v1/query", data={"query": expr})
    body = answer.json()
    if body["status"] != "success":
        raise AskingError(f"Prometheus refused {expr}: {body.get('error')}")
    if body["data"]["resultType"] == "scalar":
        return int(not math.isnan(float(body["data"]["result"][1])))
    return sum(not math.isnan(float(series["value"][1])) for series in body["data"]["result"])
