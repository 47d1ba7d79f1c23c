"""What a log line holds of an exception: where it came from, and never its words."""

import json
import logging
import os
from io import StringIO
from pathlib import Path

import pytest

from backend.core.settings import Settings
from backend.telemetry import logs
from backend.tenancy.session import Urls
from tests.backstage import log_lines, running

SECRET = "canari@example.org"


def fail_twice() -> None:
    try:
        dict[str, int]().pop(SECRET)
    except KeyError as cause:
        raise ExceptionGroup(SECRET, [ValueError(SECRET)]) from cause


def test_an_exception_is_kinds_and_places_with_its_causes_and_members(settings: Settings) -> None:
    with log_lines(settings) as stream:
        try:
            fail_twice()
        except ExceptionGroup as error:
            logs.get_logger("filage.test").error("unexpected", exc_info=error)
    (line,) = [json.loads(line) for line in stream.getvalue().splitlines()]
    for kind in ("builtins.KeyError", "builtins.ValueError", "builtins.ExceptionGroup", "in fail_twice"):
        assert kind in line["exception"]
    assert SECRET not in json.dumps(line)


def test_an_exception_that_is_its_own_context_is_told_once(settings: Settings) -> None:
    error = ValueError("x")
    error.__context__ = ExceptionGroup("y", [error])
    with log_lines(settings) as stream:
        logs.get_logger("filage.test").error("unexpected", exc_info=error)
    assert json.loads(stream.getvalue())["exception"].count("ValueError") == 1


def test_the_console_of_a_developer_shows_the_words(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    stream = StringIO()
    with log_lines(settings):
        logs.configure("info", "console", stream)
        logs.get_logger("filage.test").error("unexpected", exc_info=ValueError("les-mots"))
    assert "les-mots" in stream.getvalue()


def test_a_line_that_a_full_disk_does_not_take_is_counted_and_disturbs_nobody(settings: Settings) -> None:
    lost = []
    with log_lines(settings), Path("/dev/full").open("w", encoding="utf-8") as full:
        logs.configure("info", "json", full).lost = lambda: lost.append(1)
        for _ in range(3):
            logs.get_logger("filage.test").info("request")
        os.dup2(os.open(os.devnull, os.O_WRONLY), full.fileno())  # room again, or the end of the file would fail too
    assert len(lost) == 3


async def test_the_lines_that_a_process_lost_are_a_metric(settings: Settings, urls: Urls) -> None:
    async with running(settings, urls) as (own, client):
        (handler,) = logging.getLogger().handlers
        assert isinstance(handler, logs.Handler)
        handler.lost()
        labels = {"signal": "logs"}
        lost = own.state.metrics.registry.get_sample_value("filage_telemetry_dropped_total", labels)
        assert (await client.get("/health/live")).status_code == 200
    assert lost == 1
