"""The state of the service on one page, for whoever runs it: words and figures, no secret, no company's name."""

import asyncio
import time
from dataclasses import dataclass
from http import HTTPStatus

from fastapi import APIRouter, Depends, Request, Response

from backend.core.errors import Sentence
from backend.tenancy import backlog
from backend.tenancy.directory import is_migrated
from backend.web.rendering import render
from backend.web.sessions import MaybeViewer, opened

router = APIRouter(include_in_schema=False, dependencies=[Depends(opened)])
KEPT_SECONDS = 5.0  # anybody may ask: many who do cost the database no more than one
LATE_SECONDS = 60
GOOD, SLOW, BAD = "full", "option", "none"


@dataclass(frozen=True, slots=True)
class Part:
    """One part of the service: its name, how it is (a state of the style sheet), and what that means."""

    name: Sentence
    state: str
    said: Sentence


@router.get("/status")
async def show_status(request: Request, viewer: MaybeViewer) -> Response:
    """Say what works; 503 while requests cannot be served, as `/health/ready` answers."""
    parts = await _kept(request)
    is_served = all(part.state != BAD for part in parts[:1])
    dashboards = request.app.state.settings.dashboards_url
    status = HTTPStatus.OK if is_served else HTTPStatus.SERVICE_UNAVAILABLE
    return render(request, "status.html", status=status, viewer=viewer, service=parts, dashboards=dashboards)


async def _kept(request: Request) -> list[Part]:
    state = request.app.state
    if not hasattr(state, "status_reading"):
        state.status_reading = asyncio.Lock()
    async with state.status_reading:  # those who ask at once wait for the one who reads
        kept: tuple[float, list[Part]] | None = getattr(state, "status_parts", None)
        if kept is None or kept[0] < time.monotonic():
            kept = (time.monotonic() + KEPT_SECONDS, await _read(request))
            state.status_parts = kept
    return kept[1]


async def _read(request: Request) -> list[Part]:
    try:
        migrated = await is_migrated(request.app.state.database)
    except Exception as error:  # noqa: BLE001 - whatever keeps the database from answering, the page says so
        request.app.state.log.warning("not_ready", error=type(error).__name__)
        return [Part(_DATABASE, BAD, _SILENT)]
    if not migrated:
        return [Part(_DATABASE, BAD, _UNMIGRATED)]
    return [Part(_DATABASE, GOOD, _ANSWERS), await _tasks(request), await _upgrades(request)]


async def _tasks(request: Request) -> Part:
    found = await backlog.read(request.app.state.database)
    if found is None:
        return Part(_TASKS, GOOD, _NO_QUEUE)
    if not found.workers:
        return Part(_TASKS, SLOW, _NO_WORKER)
    late = f"{found.late_seconds:.0f}"
    figures = Sentence(
        f"{found.waiting} en attente, {found.failed} en échec ; la plus ancienne attend depuis {late} s.",
        f"{found.waiting} waiting, {found.failed} failed; the oldest has waited for {late} s.",
    )
    return Part(_TASKS, SLOW if found.failed or found.late_seconds > LATE_SECONDS else GOOD, figures)


async def _upgrades(request: Request) -> Part:
    fleet = await asyncio.to_thread(request.app.state.metrics.read_fleet)
    if fleet is None:
        return Part(_UPGRADES, SLOW, _UNKNOWN)
    left = fleet.states.get("failed", 0)
    if left:
        told = Sentence(f"Mises à jour qui ont échoué : {left}.", f"Upgrades that failed: {left}.")
        return Part(_UPGRADES, SLOW, told)
    if fleet.late:
        told = Sentence(f"Espaces encore à mettre à jour : {fleet.late}.", f"Spaces still to upgrade: {fleet.late}.")
        return Part(_UPGRADES, SLOW, told)
    return Part(_UPGRADES, GOOD, _UP_TO_DATE)


_DATABASE = Sentence("Base de données", "Database")
_TASKS = Sentence("Messages et tâches", "Mails and tasks")
_UPGRADES = Sentence("Mises à jour des espaces", "Upgrades of the spaces")
_ANSWERS = Sentence("Elle répond : les demandes sont servies.", "It answers: requests are served.")
_SILENT = Sentence("Elle ne répond pas : aucune demande n'est servie.", "It does not answer: no request is served.")
_UNMIGRATED = Sentence(
    "Elle n'est pas migrée : lancez « filage migrate ».", "It is not migrated: run `filage migrate`."
)
_NO_QUEUE = Sentence("Envoyés sur-le-champ, sans file d'attente.", "Sent at once, without a queue.")
_NO_WORKER = Sentence(
    "Personne ne les traite : lancez « filage worker ». Rien n'est perdu.",
    "Nobody does them: run `filage worker`. Nothing is lost.",
)
_UNKNOWN = Sentence("L'état n'a pas pu être lu.", "The state could not be read.")
_UP_TO_DATE = Sentence("Tous sont à jour.", "All are up to date.")
