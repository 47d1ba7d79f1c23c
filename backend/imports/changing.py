"""Which calls an import changes, in words: a file brought a second time would take back what was moved in Filage."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from backend.core.errors import Sentence
from backend.imports.domain.columns import CALLS, PRODUCTIONS, VENUES
from backend.imports.domain.diff import Outcome, Step, of
from backend.imports.domain.problems import shown
from backend.imports.matching import Plan
from backend.imports.repository import Found
from backend.planning.domain.publication import FIELDS, NAMES
from backend.tenancy.acting import Act

CALLS_SAID = 50


@dataclass(frozen=True, slots=True)
class _Known:
    """What the ids of a call mean, as the files describe it or, where they do not, as the company has it."""

    plan: Plan
    found: Found

    def say(self, file: str, row_id: UUID | None, column: str) -> str | None:
        """Return one column of a venue or a production."""
        if row_id is None:
            return None
        step = self.plan.by_id(file).get(row_id)
        rows = (self.found.venues if file == VENUES else self.found.productions).by_id
        said: str | None = (step.after if step is not None else rows[row_id])[column]
        return said


def say_changed_calls(act: Act, plan: Plan, found: Found) -> list[Sentence]:
    """Say of each call that changes what it was and will be, and whether it is published anew; the first 50 by name."""
    changed = of(plan.steps[CALLS], Outcome.UPDATED)
    said = [_said(act, _Known(plan, found), step) for step in changed[:CALLS_SAID]]
    more = len(changed) - len(said)
    if more:
        said.append(Sentence(f"Et {more} autres convocations de calls.csv changent.", f"And {more} more calls change."))
    return said


def _said(act: Act, known: _Known, step: Step) -> Sentence:
    before, after = step.before or {}, step.after
    zone = ZoneInfo(known.say(VENUES, after["venue_id"], "timezone") or act.company.timezone)
    fields = [name for name in FIELDS if name in step.values]
    values = {name: (_value(known, name, before, zone), _value(known, name, after, zone)) for name in fields}
    fr, en = (
        ", ".join(f"{name} {values[field][0]} → {values[field][1]}" for field in fields if (name := names[field]))
        for names in ({n: s.fr for n, s in NAMES.items()}, {n: s.en for n, s in NAMES.items()})
    )
    anew = "published" in step.values
    title, day = shown(before["title"]), before["starts_at"].astimezone(zone)
    told = Sentence(" et est publiée à nouveau", " and is published anew") if anew else Sentence("", "")
    return Sentence(
        f"calls.csv, ligne {step.line} : « {title} » du {day:%d/%m/%Y} change{told.fr} : {fr}.",
        f'calls.csv, line {step.line}: "{title}" of {day:%Y-%m-%d} changes{told.en}: {en}.',
    )


def _value(known: _Known, name: str, call: Mapping[str, Any], zone: ZoneInfo) -> str:
    value = call[name]
    if isinstance(value, datetime):
        return f"{value.astimezone(zone):%d/%m/%Y %H:%M}"
    if name == "breaks":
        return str(len(value))
    if name in {"venue_id", "production_id"}:
        file, column = (VENUES, "name") if name == "venue_id" else (PRODUCTIONS, "title")
        return shown(known.say(file, value, column) or "–")
    return shown(str(value))
