"""What a person mistypes at the start is answered by a sentence that names it, before anything is begun."""

import socket
from collections.abc import Iterator

import pytest
from typer.testing import CliRunner, Result

from backend.cli.main import app
from backend.demo import stage


def run(*words: str) -> Result:
    return CliRunner().invoke(app, words)


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as door:
        yield door.getsockname()[1]


def test_a_setting_of_the_wrong_kind_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FILAGE_METRICS_PORT", "abc")
    monkeypatch.setenv("FILAGE_LOG_FORMAT", "xml")
    refused = run("latency")
    assert refused.exit_code == 2
    assert "FILAGE_METRICS_PORT: Input should be a valid integer" in refused.output
    assert "FILAGE_LOG_FORMAT: Input should be 'json' or 'console'" in refused.output
    assert "xml" not in refused.output


def test_the_demo_says_that_its_port_is_taken_before_it_makes_anything(
    taken: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stage, "prepare", lambda *_words, **_named: pytest.fail("the demo was prepared"))
    monkeypatch.setenv("PORT", str(taken))
    refused = run("demo")
    assert refused.exit_code == 1
    assert f"Port {taken} is taken: PORT=9001 or --port chooses another one." in refused.output


@pytest.mark.parametrize("workers", ["1", "2"])
def test_serve_says_that_its_port_is_taken(taken: int, workers: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("backend.cli.main._is_current", lambda _settings: True)
    monkeypatch.setattr("backend.cli.serving.serve", lambda *_words: pytest.fail("it served"))
    refused = run("serve", "--port", str(taken), "--workers", workers)
    assert refused.exit_code == 1
    assert f"Port {taken} is taken: PORT=9001 or --port chooses another one." in refused.output


def test_an_address_that_is_not_this_machine_s_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("backend.cli.main._is_current", lambda _settings: True)
    monkeypatch.setattr("backend.cli.serving.serve", lambda *_words: pytest.fail("it served"))
    refused = run("serve", "--host", "192.0.2.1", "--port", "18999")
    assert refused.exit_code == 1
    assert "Nobody can be heard on 192.0.2.1, port 18999: " in refused.output
