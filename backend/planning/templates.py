"""Acts on templates of calls, and calls made from one: what is not said of the call is the template's."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import delete, insert, select
from sqlalchemy.orm.attributes import flag_modified

from backend.audit.service import changes, record
from backend.core.errors import AppError, InvalidError, NotFoundError, Sentence
from backend.core.ids import new_id
from backend.core.pagination import Page, PageRequest, cut
from backend.core.preconditions import check_version
from backend.core.resources import sent
from backend.identity.expansion import has_templates, need_templates
from backend.people.models import Job
from backend.planning import refusals, repository
from backend.planning.calls import create_call, read_call
from backend.planning.copy_schemas import CallNew, TemplateChange, TemplateIn, TemplateOut
from backend.planning.domain.moving import BreakPlan, OutOfCalendarError, planned
from backend.planning.domain.times import Pause, find_faults
from backend.planning.models import CallTemplate, CallTemplatePosition, Position
from backend.planning.schemas import CallIn, CallOut
from backend.planning.selecting import out_of_calendar
from backend.tenancy.acting import Act
from backend.tenancy.rows import apply_changes, duplicate, get_row, keyset, refusing, values_of

FIELDS = ("kind", "title", "duration_minutes", "breaks", "unplaced_break_minutes")
_COLUMNS = tuple(CallTemplate.__table__.columns)
_ANY_DAY = datetime(2026, 1, 5, tzinfo=UTC)
NO_TEMPLATE = Sentence("Ce modèle n'existe pas (ou plus).", "This template does not exist (any more).")
SAME_TEMPLATE = Sentence(
    "Un modèle de ce type a déjà ce titre : modifiez-le, ou choisissez un autre titre.",
    "A template of this kind has this title already: change it, or choose another title.",
)
Wanted = Sequence[Mapping[str, Any]]


async def list_templates(act: Act, page: PageRequest) -> Page[TemplateOut]:
    """Return one page of templates, in the order in which they were made."""
    if not has_templates(act):
        return Page[TemplateOut](items=[])
    rows, cursor = cut(
        (await act.session.execute(keyset(select(*_COLUMNS), page, (CallTemplate.id,), (UUID,)))).all(),
        page,
        lambda row: (row.id,),
    )
    positions = await positions_of(act, [row.id for row in rows])
    return Page[TemplateOut](items=[_shown(row, positions.get(row.id, [])) for row in rows], next_cursor=cursor)


async def read_template(act: Act, template_id: UUID) -> TemplateOut:
    """Return one template. Raises NotFoundError."""
    row = await _found(act, template_id)
    return _shown(row, (await positions_of(act, [template_id])).get(template_id, []))


async def create_template(act: Act, body: TemplateIn) -> TemplateOut:
    """Add a template. Raises InvalidError (breaks that do not fit, unknown jobs), ConflictError `duplicate`."""
    need_templates(act)
    values = body.model_dump()
    wanted = values.pop("positions")
    _check_breaks(values)
    await check_jobs(act, wanted)
    row = CallTemplate(id=new_id(), created_at=act.now, updated_at=act.now, **values)
    async with refusing(act.session, _refusals()):
        act.session.add(row)
    await _replace_positions(act, row.id, wanted)
    record(act, "call_template.created", row.id, after=values | {"positions": wanted})
    return _shown(row, wanted)


async def change_template(act: Act, template_id: UUID, body: TemplateChange, expected: int) -> TemplateOut:
    """Change a template; calls made from it stay as they are. Raises as `create_template`, and StaleError."""
    row = await _found(act, template_id)
    check_version(row.version, expected)
    had = (await positions_of(act, [template_id])).get(template_id, [])
    values = sent(body)
    wanted = values.pop("positions", had)
    before = values_of(row, FIELDS)
    _check_breaks(before | values)
    await check_jobs(act, wanted)
    async with refusing(act.session, _refusals()):
        changed = apply_changes(row, values, updated_at=act.now)
        if not changed and wanted != had:
            changed, row.updated_at = True, act.now
            flag_modified(row, "title")  # the version grows with the positions, too
    if wanted != had:
        await _replace_positions(act, template_id, wanted)
    if changed:
        after = values_of(row, FIELDS) | {"positions": wanted}
        record(act, "call_template.changed", template_id, *changes(before | {"positions": had}, after))
    return _shown(row, wanted)


async def delete_template(act: Act, template_id: UUID, expected: int) -> None:
    """Delete a template; calls made from it stay. Raises NotFoundError, StaleError."""
    row = await _found(act, template_id)
    check_version(row.version, expected)
    before = values_of(row, FIELDS)
    await act.session.delete(row)
    await act.session.flush()
    record(act, "call_template.deleted", template_id, before=before)


async def find_template(act: Act, template_id: UUID) -> tuple[Mapping[str, Any], Wanted]:
    """Return what a body's template says of a call, and the positions. Raises InvalidError for an unknown one."""
    need_templates(act)
    row = await act.session.get(CallTemplate, template_id)
    if row is None:
        raise InvalidError.of(
            ["body", "template_id"],
            "Ce modèle n'existe pas dans votre compagnie : choisissez dans la liste.",
            "This template does not exist in your company: choose one from the list.",
            "unknown",
        )
    return values_of(row, FIELDS), (await positions_of(act, [template_id])).get(template_id, [])


async def new_call(act: Act, body: CallNew) -> CallOut:
    """Add a draft call, and the positions of its template. Raises as `create_call`, and for an unknown template."""
    values = {name: value for name, value in sent(body).items() if name != "template_id"}
    positions: Wanted = []
    if body.template_id is not None:
        said, positions = await find_template(act, body.template_id)
        values = await _completed(act, said, values)
    check_said(values, ("kind", "title", "ends_at"))
    call = await create_call(act, CallIn(**values))
    if not await add_positions(act, [call.id], positions):
        return call
    await act.session.flush()
    return await read_call(act, call.id)


async def _completed(act: Act, said: Mapping[str, Any], values: dict[str, Any]) -> dict[str, Any]:
    """Return what was sent, with the template's kind, title, end and breaks where nothing was."""
    found = {name: said[name] for name in ("kind", "title")} | {n: v for n, v in values.items() if v is not None}
    if found.get("ends_at") is not None:
        return found
    zone = ZoneInfo(await place_zone(act, values.get("venue_id")))
    wall = values["starts_at"].astimezone(zone).replace(tzinfo=None)
    unplaced = said["unplaced_break_minutes"]
    try:
        times = planned(wall, said["duration_minutes"], break_plans(said["breaks"]), unplaced, zone).times
    except OutOfCalendarError as error:
        raise out_of_calendar("starts_at", error) from error
    later = values["starts_at"] - times.starts_at  # an hour, in the second of the two that the clocks show alike
    breaks = [_break(pause, later) for pause in times.breaks]
    return {"breaks": breaks, "unplaced_break_minutes": unplaced} | found | {"ends_at": times.ends_at + later}


def _break(pause: Pause, later: timedelta) -> dict[str, Any]:
    return {"starts_at": pause.starts_at + later, "ends_at": pause.ends_at + later, "paid": pause.paid}


def check_said(values: Mapping[str, Any], names: Sequence[str]) -> None:
    """Refuse (InvalidError) what neither the body nor a template says."""
    for name in names:
        if values.get(name) is None:
            raise InvalidError.of(
                ["body", name],
                f"Il manque « {name} » : donnez-le, ou un modèle (« template_id »).",
                f"`{name}` is missing: give it, or a template (`template_id`).",
                "missing",
            )


def break_plans(breaks: Wanted) -> list[BreakPlan]:
    """Return a template's breaks, read."""
    return [BreakPlan(one["after_minutes"], one["minutes"], one["paid"]) for one in breaks]


async def place_zone(act: Act, venue_id: UUID | None) -> str:
    """Return the time zone of a venue, or, without one, of the company. Raises InvalidError for an unknown venue."""
    if venue_id is None:
        return act.company.timezone
    venue = await repository.find_venue(act, venue_id)
    if venue is None:
        raise refusals.unknown_in_body("venue_id")
    return str(venue.timezone)


async def add_positions(act: Act, call_ids: Sequence[UUID], wanted: Wanted) -> int:
    """Give each of these new calls the same positions, in one statement; return how many there are."""
    rows = [
        {"id": new_id(), "call_id": call_id, "job": one["job"], "headcount": one["headcount"], "version": 1}
        for call_id in call_ids
        for one in wanted
    ]
    if rows:
        async with refusing(act.session, {"fk_": refusals.unknown_in_body("job")}):
            await act.session.execute(insert(Position), rows)
        for row in rows:
            own = {name: row[name] for name in ("call_id", "job", "headcount")}
            record(act, "position.created", row["id"], after=own)
    return len(rows)


async def check_jobs(act: Act, wanted: Wanted) -> None:
    """Refuse (InvalidError) a job that the company has not, and one that is named twice."""
    codes = [one["job"] for one in wanted]
    if len(codes) > len(set(codes)):
        raise InvalidError.of(
            ["body", "positions"],
            "Un métier est nommé deux fois : donnez un seul poste par métier, avec son effectif.",
            "A job is named twice: give one position for each job, with its headcount.",
            "duplicate",
        )
    known = set(await act.session.scalars(select(Job.code).where(Job.code.in_(codes)))) if codes else set()
    unknown = [number for number, code in enumerate(codes) if code not in known]
    if unknown:
        raise refusals.unknown_in_body("job", ("positions", unknown[0], "job"))


async def positions_of(act: Act, template_ids: Sequence[UUID]) -> dict[UUID, list[dict[str, Any]]]:
    """Return the positions of templates, in one statement."""
    table = CallTemplatePosition
    query = select(table.template_id, table.job, table.headcount).where(table.template_id.in_(template_ids))
    found: dict[UUID, list[dict[str, Any]]] = {}
    for template_id, job, headcount in await act.session.execute(query.order_by(table.id)):
        found.setdefault(template_id, []).append({"job": job, "headcount": headcount})
    return found


async def _replace_positions(act: Act, template_id: UUID, wanted: Wanted) -> None:
    table = CallTemplatePosition
    await act.session.execute(
        delete(table).where(table.template_id == template_id), execution_options={"synchronize_session": False}
    )
    if wanted:
        rows = [{"id": new_id(), "template_id": template_id, **one} for one in wanted]
        async with refusing(act.session, {"fk_": refusals.unknown_in_body("job")}):
            await act.session.execute(insert(table), rows)


def _check_breaks(values: Mapping[str, Any]) -> None:
    plan = (values["duration_minutes"], break_plans(values["breaks"]), values["unplaced_break_minutes"])
    times = planned(_ANY_DAY.replace(tzinfo=None), *plan, ZoneInfo("UTC")).times
    if faults := find_faults(times, ZoneInfo("UTC")):
        raise refusals.invalid_times(faults)


async def _found(act: Act, template_id: UUID) -> CallTemplate:
    if not has_templates(act):
        raise NotFoundError("not_found", NO_TEMPLATE)
    return await get_row(act, CallTemplate, template_id, NO_TEMPLATE)


def _shown(row: Any, positions: Wanted) -> TemplateOut:  # noqa: ANN401 - a row, or the template itself
    names = ("id", *FIELDS, "created_at", "updated_at", "version")
    return TemplateOut.model_validate({name: getattr(row, name) for name in names} | {"positions": list(positions)})


def _refusals() -> dict[str, AppError]:
    return {"uq_call_template_kind_title": duplicate("title", SAME_TEMPLATE)}
