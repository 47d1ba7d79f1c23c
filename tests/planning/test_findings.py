"""The rules over a company's own planning: the invented season, options, breaks, cancelled calls, and one statement."""

from collections import Counter
from datetime import timedelta

from backend.planning.findings import find, read_works
from backend.rules.engine import Report
from backend.tenancy.session import Database
from tests.counting import statements
from tests.helpers import SignedUpCompany
from tests.imports.acts import acting, load
from tests.imports.conftest import Folder, folder
from tests.planning.stage import SOON, Stage

__all__ = ["folder"]

SEASON = {
    ("DEROG", "EAC-CALL-330"): 18,  # 13 and 14 October: nine technicians called 20:00-23:00 only
    ("DEROG", "MIN-NIGHT"): 1,  # 24 November: somebody of 17 until 22:30
    ("DEROG", "WT-REST-11"): 3,  # 27 March: rehearsals, then focus from 23:30 to 05:30, three people
    ("DEROG", "WT-WEEK-48"): 4,  # 51 h of the stage manager before the first night, 50 h of the same three
    ("HARD", "WT-BREAK-20"): 24,  # shows and strikes without a break: 24 October (9), 5 December (5), 8 April (10)
    ("HARD", "WT-DAYS-6"): 3,  # the focus ends on a Sunday
    ("HARD", "WT-REST-11"): 2,  # 28 January: strike until 01:30, truck at 10:00
    ("HARD", "WT-WREST-35"): 3,  # the same three, 22 to 28 March
    ("WARN", "WT-DAYS-6"): 3,  # thirteen days in a row, the same three
    ("WARN", "WT-HOL"): 19,  # 1 May in Tours
    ("WARN", "WT-REST-COMP"): 5,  # what the five short rests leave to give back
}


async def report(database: Database, company: SignedUpCompany) -> Report:
    async with acting(database, company) as act:
        return await find(act)


async def test_the_season_has_the_findings_that_its_days_explain(
    database: Database, company: SignedUpCompany, folder: Folder
) -> None:
    await load(database, company, folder("compagnie-de-la-rampe"))
    found = await report(database, company)
    counted = Counter((f.severity.value, f.rule) for f in found.findings if f.severity.value != "INFO")
    assert counted == SEASON
    assert [note.code for note in found.notes] == ["travel_unknown"]  # its venues have no coordinates
    assert {f.if_confirmed for f in found.findings} == {False}
    breaks = {f.calls for f in found.findings if f.rule == "WT-BREAK-20"}
    assert len(breaks) == 3


async def test_a_planning_is_judged_with_as_many_statements_for_one_call_as_for_six(
    stage: Stage, database: Database, company: SignedUpCompany
) -> None:
    production, person = await stage.production(), await stage.person()
    counts = []
    for day in range(6):
        await stage.confirmed(await stage.call(production, SOON + timedelta(days=day)), person)
        if day in {0, 5}:
            with statements() as sent:
                await report(database, company)
            counts.append(len([one for one in sent if "assignment" in one]))
    assert counts == [1, 1]


async def test_an_option_and_a_draft_count_apart_and_a_release_not_at_all(
    stage: Stage, database: Database, company: SignedUpCompany
) -> None:
    production, person = await stage.production(), await stage.person()
    calls = [await stage.call(production, SOON + timedelta(days=day), hours=6) for day in range(4)]
    await stage.confirmed(calls[0], person)
    option = await stage.assignment(calls[1], person)
    await stage.act(option, "offer", rank=1, expires_at=(SOON - timedelta(days=30)).isoformat())
    await stage.assignment(calls[2], person)
    released = await stage.assignment(calls[3], person)
    await stage.act(released, "offer", rank=1, expires_at=(SOON - timedelta(days=30)).isoformat())
    assert (await stage.act(released, "release")).status_code == 200
    found = [f for f in (await report(database, company)).findings if f.rule == "WT-BREAK-20"]
    assert [(f.calls, f.if_confirmed) for f in found] == [
        ((calls[0]["id"],), False),
        ((calls[1]["id"],), True),
        ((calls[2]["id"],), True),
    ]


async def test_a_placed_break_counts_and_a_cancelled_call_does_not(
    stage: Stage, database: Database, company: SignedUpCompany
) -> None:
    production, person = await stage.production(), await stage.person()
    middle = SOON + timedelta(hours=3)
    pause = {"starts_at": middle.isoformat(), "ends_at": (middle + timedelta(minutes=30)).isoformat(), "paid": False}
    await stage.confirmed(await stage.call(production, hours=7, breaks=[pause]), person)
    cancelled = await stage.call(production, SOON + timedelta(days=1), hours=7)
    await stage.assignment(cancelled, person)
    answer = await stage.patch(f"/calls/{cancelled['id']}", {"status": "cancelled", "cancel_reason": "Grève"})
    assert answer.status_code == 200, answer.text
    assert [f for f in (await report(database, company)).findings if f.rule == "WT-BREAK-20"] == []


async def test_another_company_s_work_is_never_read(
    stage: Stage, other_stage: Stage, database: Database, company: SignedUpCompany, other_company: SignedUpCompany
) -> None:
    for one in (stage, other_stage):
        await one.confirmed(await one.call(await one.production()), await one.person())
    async with acting(database, company) as act:
        ours = await read_works(act)
    async with acting(database, other_company) as act:
        theirs = await read_works(act)
    assert (len(ours), len(theirs)) == (1, 1)
    assert ours[0].person != theirs[0].person
