"""How every command begins: settings that are right, or the sentence that says which one is not."""

import typer
from pydantic import ValidationError
from rich.console import Console

from backend.core.settings import Settings

err = Console(stderr=True)


def read_settings() -> Settings:
    """Return the settings of the environment; leaves with 2 and a sentence where one is wrong."""
    try:
        return Settings()
    except ValidationError as error:
        for problem in error.errors():
            err.print(str(problem["msg"]).removeprefix("Value error, "), markup=False)
        raise typer.Exit(2) from None
