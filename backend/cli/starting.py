"""How every command begins: settings that are right, or the sentence that says which one is not."""

import errno
import socket
import sys

import typer
from pydantic import ValidationError
from rich.console import Console

from backend.core.settings import Settings

PIPE_WIDTH = 250


def read_settings() -> Settings:
    """Return the settings of the environment; leaves with 2 and a sentence where one is wrong."""
    try:
        return Settings()
    except ValidationError as error:
        for problem in error.errors(include_input=False):
            # What is wrong with one setting alone does not name it.
            name = "".join(f"FILAGE_{part.upper()}: " for part in map(str, problem["loc"][:1]))
            console(stderr=True).print(name + str(problem["msg"]).removeprefix("Value error, "), markup=False)
        raise typer.Exit(2) from None


def require_port(host: str, port: int) -> None:
    """Leave with 1 and a sentence where nobody can listen there, before anything else is begun."""
    try:
        with socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET):
            return
    except OSError as error:
        reason = (
            f"Port {port} is taken: PORT=9001 or --port chooses another one."
            if error.errno == errno.EADDRINUSE
            else f"Nobody can be heard on {host}, port {port}: {error.strerror or error}."
        )
    console(stderr=True).print(reason, markup=False)
    raise typer.Exit(1)


def console(*, stderr: bool = False) -> Console:
    """Return where a command writes: no sentence is broken, and into a pipe or a file no table is cut."""
    terminal = (sys.stderr if stderr else sys.stdout).isatty()
    return Console(stderr=stderr, soft_wrap=True, width=None if terminal else PIPE_WIDTH)
