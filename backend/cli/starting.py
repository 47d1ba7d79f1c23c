"""How every command begins: settings that are right, or the sentence that says which one is not."""

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
        for problem in error.errors():
            console(stderr=True).print(str(problem["msg"]).removeprefix("Value error, "), markup=False)
        raise typer.Exit(2) from None


def console(*, stderr: bool = False) -> Console:
    """Return where a command writes: no sentence is broken, and into a pipe or a file no table is cut."""
    terminal = (sys.stderr if stderr else sys.stdout).isatty()
    return Console(stderr=stderr, soft_wrap=True, width=None if terminal else PIPE_WIDTH)
