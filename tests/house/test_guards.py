"""The guards around the suite hold: nothing outside is reached, no warning passes, every dependency has its reason."""

import re
import socket
import tomllib
import warnings
from pathlib import Path

import pytest
from pytest_socket import SocketConnectBlockedError

ROOT = Path(__file__).parents[2]
OUTSIDE = ("192.0.2.1", 80)  # kept for documentation (RFC 5737): nobody answers there


def test_no_test_reaches_the_outside() -> None:
    # pytest-socket warns before it refuses, and here a warning is an error: either is a refusal.
    with pytest.raises((SocketConnectBlockedError, UserWarning), match=r"192\.0\.2\.1"):
        socket.create_connection(OUTSIDE, timeout=1)


def test_the_loopback_stays_open() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname(), timeout=1):
        pass


def test_a_warning_is_an_error() -> None:
    with pytest.raises(DeprecationWarning, match="old"):
        warnings.warn("old", DeprecationWarning, stacklevel=1)


def test_every_dependency_has_its_reason() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    requirements = [*project["dependencies"], *project["optional-dependencies"]["dev"]]
    page = (ROOT / "docs" / "decisions" / "0004-dependencies.md").read_text(encoding="utf-8")
    packages = {re.split(r"[\[<>=]", requirement)[0] for requirement in requirements}
    assert {name for name in packages if name not in page} == set()
