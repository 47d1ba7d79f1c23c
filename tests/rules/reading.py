"""Reads the worked cases: local days and times as a lawyer writes them, into the segments that the engine judges."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from backend.rules.engine import check_person
from backend.rules.finding import Finding
from backend.rules.law import Law
from backend.rules.work import Segment, Trade, Work

PARIS = ZoneInfo("Europe/Paris")
FOLDER = Path(__file__).parent / "cases"
_PLACE = {"day", "from", "to", "to_day", "trade", "premiere"}


@dataclass(frozen=True)
class Case:
    told: Mapping[str, Any]

    @property
    def work(self) -> Work:
        born = self.told.get("birth_date")
        segments = [segment(number, found) for number, found in enumerate(self.told["segments"], 1)]
        return Work("P", segments, date.fromisoformat(born) if born else None)

    def findings(self) -> list[Finding]:
        return check_person(self.work, Law(self.told.get("convention")), PARIS)


def cases() -> Iterator[Case]:
    for file in sorted(FOLDER.glob("*.json")):
        yield from (Case(told) for told in json.loads(file.read_text(encoding="utf-8")))


def segment(number: int, found: Mapping[str, Any]) -> Segment:
    """A time that is not after the start is on the next day."""
    day = date.fromisoformat(found["day"])
    start, end = time.fromisoformat(found["from"]), time.fromisoformat(found["to"])
    last = date.fromisoformat(found["to_day"]) if "to_day" in found else day + timedelta(days=end <= start)
    premiere = found.get("premiere")
    return Segment(
        f"call-{number}",
        f"assignment-{number}",
        datetime.combine(day, start, PARIS),
        datetime.combine(last, end, PARIS),
        trade=Trade(found.get("trade", "technician")),
        premiere=date.fromisoformat(premiere) if premiere else None,
        **{name: value for name, value in found.items() if name not in _PLACE},
    )
