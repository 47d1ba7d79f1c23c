"""The first set-up of a company: its season from CSV files, judged before anything is stored, or from a pattern."""

from base64 import b64encode
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response
from starlette.datastructures import UploadFile

from backend.core.errors import AppError, Sentence
from backend.core.pagination import PageRequest
from backend.identity.access import Caller
from backend.imports import receiving, service
from backend.imports.domain.columns import FILES
from backend.imports.domain.writing import BOM
from backend.imports.refusals import ImportRejectedError, RowError, as_csv
from backend.imports.schemas import ImportReport
from backend.planning import calls, patterns
from backend.planning.domain.patterns import PATTERNS
from backend.planning.patterns import PatternIn
from backend.planning.period import ALWAYS
from backend.planning.probing import unhurried
from backend.planning.repository import CallsFilter
from backend.tenancy.acting import Act
from backend.tenancy.idempotency import AnswerRoute
from backend.web import forms
from backend.web.forms import NOTHING_WRONG, Refused, RefusedPageError
from backend.web.rendering import render, words_of
from backend.web.sessions import AsPlanner, Viewer, opened, see

router = APIRouter(prefix="/c/{slug}/setup", include_in_schema=False, dependencies=[Depends(opened)],
                   route_class=AnswerRoute)  # fmt: skip
OF_A_PATTERN = ("pattern", "title", "first_day")
IN_WORDS = {
    "creation": Sentence("Création", "New production"),
    "revival": Sentence("Reprise", "Revival"),
    "tour": Sentence("Tournée", "Tour"),
}


@dataclass(frozen=True, slots=True)
class Told:
    """What the import says of one file: how many rows are new, changed or as they were, and what is to correct."""

    name: str
    received: bool
    counts: dict[str, int] | None
    faults: Sequence[RowError]


@router.get("")
async def show_setup(
    request: Request, act: AsPlanner, viewer: Viewer, step: Annotated[int, Query(ge=2, le=3)] = 2
) -> Response:  # fmt: skip
    """Ask for the season; once there is one, say what comes next."""
    return await _page(request, act, viewer, step=step)


@router.post("/import", dependencies=[Depends(unhurried)])
async def import_season(request: Request, act: AsPlanner, viewer: Viewer) -> Response:
    """Judge the files and show what they would do; or, asked to, store them. Whatever is refused stores nothing."""
    form = await request.form()
    parts = [(name, part) for name, part in form.multi_items() if isinstance(part, UploadFile) and part.filename]
    dry_run = form.get("step") != "store"
    names = [str(part.filename) for _, part in parts]
    try:
        files = await receiving.read_files(parts, act.company.slug)
        names = list(files)
        report = await service.import_season(act, files, dry_run=dry_run, language=request.state.language)
    except ImportRejectedError as error:
        raise RefusedPageError(await _judged(request, act, viewer, names, error), error.code) from error
    except AppError as error:
        page = await _page(request, act, viewer, refusal=forms.refused(error))
        raise RefusedPageError(page, error.code) from error
    if dry_run:
        # Raised, so that the trial and the form's key are taken back: the same form may store it next.
        raise RefusedPageError(await _tried(request, act, viewer, report))
    request.app.state.directory.forget(act.company.slug)
    return see(f"/c/{act.company.slug}/setup?step=3")


@router.post("/pattern")
async def begin_from_a_pattern(request: Request, act: AsPlanner, viewer: Viewer) -> Response:
    """Add a production with its draft calls."""
    typed = forms.typed_in(request, OF_A_PATTERN)

    async def again(refusal: Refused) -> Response:
        return await _page(request, act, viewer, typed=typed, pattern_refusal=refusal)

    async with forms.trying(act, again, OF_A_PATTERN):
        await patterns.begin(act, forms.read(PatternIn, typed), request.state.language)
    return see(f"/c/{act.company.slug}/setup?step=3")


async def _judged(
    request: Request, act: Act, viewer: Caller, names: Sequence[str], error: ImportRejectedError
) -> Response:  # fmt: skip
    faults = [fault for fault in error.fields if isinstance(fault, RowError)]
    by_file = Counter(fault.file for fault in faults)
    told = [Told(name, name in names, None, [fault for fault in faults if fault.file == name])
            for name in FILES if name in names or by_file[name]]  # fmt: skip
    more = int(error.extra["more"])
    # Carried by the page itself, as the files are: nothing of a refused import is kept here.
    table = b64encode(f"{BOM}{as_csv(faults, request.state.language)}".encode()).decode()
    count = len(faults) + more
    return await _page(
        request, act, viewer, told=told, more=more, faults=count, status=int(error.status), table=table
    )  # fmt: skip


async def _tried(request: Request, act: Act, viewer: Caller, report: ImportReport) -> Response:
    told = [Told(name, True, counts.model_dump(), []) for name, counts in report.files.items()]  # noqa: FBT003 - received
    return await _page(request, act, viewer, told=told, warnings=report.warnings, findings=report.findings)


async def _page(  # noqa: PLR0913 - what the two forms of one page may hold
    request: Request, act: Act, viewer: Caller, *, step: int = 2, typed: dict[str, str] | None = None,
    refusal: Refused = NOTHING_WRONG, pattern_refusal: Refused = NOTHING_WRONG, told: Sequence[Told] = (),
    warnings: Sequence[str] = (), findings: dict[str, int] | None = None, faults: int = 0, more: int = 0,
    status: int = 0, table: str = "",
) -> Response:  # fmt: skip
    language, words = request.state.language, words_of(request)
    first = await calls.list_calls(act, CallsFilter(ALWAYS), PageRequest(1, None))
    return render(
        request, "setup.html", act=act, viewer=viewer, step=step, files=FILES,
        status=status or int(max(refusal.status, pattern_refusal.status)),
        patterns=[(name, words.say(IN_WORDS[name]), len(pattern.calls)) for name, pattern in PATTERNS.items()],
        typed=typed or {**dict.fromkeys(OF_A_PATTERN, ""), "pattern": "creation"}, verified=viewer.is_verified,
        email=viewer.email, error=refusal.text(language) or "".join(refusal.errors(language).values()),
        errors=pattern_refusal.errors(language), pattern_error=pattern_refusal.text(language), told=told, table=table,
        warnings=warnings, findings=findings or {}, faults=faults, more=more,
        first=first.items[0] if first.items else None,
    )  # fmt: skip
