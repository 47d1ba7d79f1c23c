"""The first set-up of a company: its season from CSV files, judged before anything is stored, or from a pattern."""

from base64 import b64encode
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response
from starlette.datastructures import UploadFile

from backend.core.errors import AppError, Sentence
from backend.core.pagination import PageRequest
from backend.identity.access import Caller
from backend.imports import receiving, service
from backend.imports.domain.columns import FILES
from backend.imports.domain.correcting import Cell
from backend.imports.domain.writing import BOM
from backend.imports.refusals import ImportRejectedError, RowError, as_csv
from backend.imports.schemas import ImportReport
from backend.people import service as people
from backend.planning import calls, patterns
from backend.planning.domain.patterns import PATTERNS
from backend.planning.patterns import PatternIn
from backend.planning.period import ALWAYS
from backend.planning.repository import CallsFilter
from backend.tenancy.acting import Act
from backend.tenancy.idempotency import AnswerRoute
from backend.web import forms
from backend.web.forms import NOTHING_WRONG, Refused, RefusedPageError
from backend.web.rendering import render, words_of
from backend.web.sessions import AsPlanner, Viewer, opened, see, unhurried

router = APIRouter(prefix="/c/{slug}/setup", include_in_schema=False, dependencies=[Depends(opened)],
                   route_class=AnswerRoute)  # fmt: skip
FIX, LINE_DIGITS = "fix", 9
OF_A_PATTERN = ("pattern", "title", "first_day")
IN_WORDS = {
    "creation": Sentence("Création", "New production"),
    "revival": Sentence("Reprise", "Revival"),
    "tour": Sentence("Tournée", "Tour"),
}


@dataclass(frozen=True, slots=True)
class Fault:
    """What is to correct in one place; `field` is that of the form which corrects the cell, empty where none can."""

    line: int | None
    column: str | None
    sentences: list[Sentence]
    field: str
    value: str
    beside: Sequence[tuple[str, str]] = ()


@dataclass(frozen=True, slots=True)
class Kept:
    """A correction that was typed before, and nothing is said of any more: it stays a field."""

    file: str
    line: int
    column: str
    field: str
    value: str


@dataclass(frozen=True, slots=True)
class Told:
    """What the import says of one file: how many rows are new, changed or as they were, and what is to correct."""

    name: str
    received: bool
    counts: dict[str, int] | None
    faults: Sequence[Fault]


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
    corrections = _corrections(request)
    names = [str(part.filename) for _, part in parts]
    try:
        files = await receiving.read_files(parts, act.company.slug)
        names = list(files)
        report = await service.import_season(act, files, dry_run=dry_run, language=request.state.language,
                                             corrections=corrections)  # fmt: skip
    except ImportRejectedError as error:
        raise RefusedPageError(await _judged(request, act, viewer, names, error, corrections), error.code) from error
    except AppError as error:
        page = await _page(request, act, viewer, refusal=forms.refused(error), kept=_kept(corrections))
        raise RefusedPageError(page, error.code) from error
    if dry_run:
        # Raised, so that the trial and the form's key are taken back: the same form may store it next.
        raise RefusedPageError(await _tried(request, act, viewer, report, corrections))
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


def _corrections(request: Request) -> dict[Cell, str]:
    """Return the cells that were corrected on the page; a field that names none is left aside."""
    found = {}
    for name, value in request.state.typed:
        kind, _, rest = name.partition(":")
        file, _, place = rest.partition(":")
        line, _, where = place.partition(":")
        column, _, was = where.partition(":")
        if kind == FIX and line.isdecimal() and len(line) <= LINE_DIGITS:
            found[Cell(file, int(line), column, was)] = value
    return found


def _kept(corrections: Mapping[Cell, str]) -> list[Kept]:
    """Return corrections as the fields in which they stay, to be changed once more, in the order of the files."""
    found = [
        Kept(one.file, one.line, one.column, f"{FIX}:{one.file}:{one.line}:{one.column}:{one.was}", text)
        for one, text in corrections.items()
    ]
    return sorted(found, key=lambda one: (one.file, one.line, one.column))


async def _judged(
    request: Request, act: Act, viewer: Caller, names: Sequence[str], error: ImportRejectedError,
    corrections: Mapping[Cell, str],
) -> Response:  # fmt: skip
    faults = [fault for fault in error.fields if isinstance(fault, RowError)]
    by_file = Counter(fault.file for fault in faults)
    asked = [Cell(one.file, one.line or 0, one.column or "", one.was or "") for one in faults]
    told = [Told(name, name in names, None, _faults_of(name, faults))
            for name in FILES if name in names or by_file[name]]  # fmt: skip
    more = int(error.extra["more"])
    # Carried by the page itself, as the files are: nothing of a refused import is kept here.
    table = b64encode(f"{BOM}{as_csv(faults, request.state.language)}".encode()).decode()
    count = len(faults) + more
    return await _page(
        request, act, viewer, told=told, more=more, faults=count, status=int(error.status), table=table,
        kept=_kept({one: text for one, text in corrections.items() if one not in asked}), corrected=len(corrections),
    )  # fmt: skip


def _faults_of(name: str, faults: Sequence[RowError]) -> list[Fault]:
    """Return what is to correct in one file; a cell of which two things are said is corrected once."""
    found: dict[str, Fault] = {}
    for number, one in enumerate(fault for fault in faults if fault.file == name):
        is_cell = one.value is not None and one.was is not None
        field = f"{FIX}:{name}:{one.line}:{one.column}:{one.was}" if is_cell else f"{number}"
        known = found.get(field)
        found[field] = replace(known, sentences=[*known.sentences, one.sentence]) if known else Fault(
            one.line, one.column, [one.sentence], field if is_cell else "", one.value or "", one.beside)  # fmt: skip
    return list(found.values())


async def _tried(
    request: Request, act: Act, viewer: Caller, report: ImportReport, corrections: Mapping[Cell, str]
) -> Response:  # fmt: skip
    told = [Told(name, True, counts.model_dump(), []) for name, counts in report.files.items()]  # noqa: FBT003 - received
    return await _page(request, act, viewer, told=told, warnings=report.warnings, findings=report.findings,
                       kept=_kept(corrections), corrected=len(corrections))  # fmt: skip


async def _page(  # noqa: PLR0913 - what the two forms of one page may hold
    request: Request, act: Act, viewer: Caller, *, step: int = 2, typed: dict[str, str] | None = None,
    refusal: Refused = NOTHING_WRONG, pattern_refusal: Refused = NOTHING_WRONG, told: Sequence[Told] = (),
    warnings: Sequence[str] = (), findings: dict[str, int] | None = None, faults: int = 0, more: int = 0,
    status: int = 0, table: str = "", kept: Sequence[Kept] = (), corrected: int = 0,
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
        kept=kept, corrected=corrected, jobs=await people.known_jobs(act) if faults or kept else {},
        warnings=warnings, findings=findings or {}, faults=faults, more=more,
        first=first.items[0] if first.items else None,
    )  # fmt: skip
