"""`python -m observability.grafana`: write the boards of boards.py as the JSON files that Grafana reads."""

import sys

from observability.grafana.boards import BOARDS
from observability.grafana.panels import DASHBOARDS, as_json


def main() -> None:
    """Write one file a board; a file of a board that is no more is taken away."""
    wanted = {DASHBOARDS / f"{board.uid}.json": as_json(board) for board in BOARDS}
    for path in set(DASHBOARDS.glob("*.json")) - set(wanted):
        path.unlink()
    for path, text in wanted.items():
        path.write_text(text, encoding="utf-8")
        sys.stdout.write(f"{path.name}: {text.count('expr')} expressions\n")


if __name__ == "__main__":
    main()
