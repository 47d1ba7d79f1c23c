"""Layers, options, cures, minors, notes and JSON: what a planner gets from the engine beside the worked cases."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from backend.rules.dated import grounds, parse, rules_of
from backend.rules.engine import check, check_person, compare, move_call
from backend.rules.finding import Action, Confidence, Finding, Severity
from backend.rules.law import Agreement, Derogation, Law
from backend.rules.periods import ValuesError
from backend.rules.work import Pause, Segment, Trade, Work
from tests.rules.reading import PARIS

YEAR = (date(2026, 1, 1), date(2026, 12, 31))
DAY = date(2026, 11, 12)
ADULT = date(1990, 1, 1)


def at(hour: float, day: date = DAY) -> datetime:
    return (datetime.combine(day, datetime.min.time(), PARIS) + timedelta(hours=hour)).astimezone(UTC)


def call(starts: float, ends: float, name: str = "call", **facts: Any) -> Segment:
    return Segment(name, f"assignment of {name}", at(starts), at(ends), **facts)


def judge(*segments: Segment, law: Law | None = None, born: date | None = ADULT) -> list[Finding]:
    return check_person(Work("C01", segments, born), law or Law(), PARIS)


def of(rule: str, found: list[Finding]) -> list[Finding]:
    return [finding for finding in found if finding.rule == rule]


ELEVEN_HOURS = (call(9, 13, "morning"), call(14, 18, "afternoon"), call(20, 23, "evening"))
THIRTEEN_HOURS = (call(7, 12, "morning"), call(13, 18, "afternoon"), call(20, 23, "evening"))


def test_a_finding_says_its_article_and_where_to_read_it() -> None:
    (finding,) = of("WT-DAY-10", judge(*ELEVEN_HOURS))
    assert "L3121-18" in finding.source.article
    assert finding.source.link.startswith("https://www.legifrance.gouv.fr/codes/article_lc/LEGIARTI")
    assert finding.source.text.startswith("La durée quotidienne de travail effectif")
    assert finding.sentence.fr == "11 h de travail le 12 novembre 2026, pour 10 h au plus."
    assert finding.sentence.en == "11 h of work on 12 November 2026, where 10 h is the most."
    assert finding.calls == ("morning", "afternoon", "evening")


def test_a_finding_proposes_the_shortest_change() -> None:
    (finding,) = of("WT-DAY-10", judge(*ELEVEN_HOURS))
    first, second = finding.cures
    assert (first.action, first.call, first.minutes, first.at) == (Action.END_EARLIER, "evening", 60, (at(22),))
    assert first.sentence.fr == "Finir le 12 novembre 2026 à 22 h 00, soit 1 h plus tôt."
    assert (second.action, second.call, second.at) == (Action.START_LATER, "morning", (at(10),))


def test_six_hours_without_a_break_propose_one_of_twenty_minutes() -> None:
    (finding,) = of("WT-BREAK-20", judge(call(9, 15)))
    assert [(cure.action, cure.minutes) for cure in finding.cures] == [
        (Action.END_EARLIER, 1),
        (Action.INSERT_BREAK, 20),
    ]


def test_thirteen_hours_in_a_row_take_two_breaks() -> None:
    (finding,) = of("WT-BREAK-20", judge(call(8, 21)))
    assert [len(cure.at) for cure in finding.cures if cure.action is Action.INSERT_BREAK] == [2]


def test_a_finding_becomes_json_as_it_is() -> None:
    told = json.loads(json.dumps([finding.to_json() for finding in judge(*ELEVEN_HOURS)]))
    day = next(one for one in told if one["rule"] == "WT-DAY-10")
    assert day["window_start"] == "2026-11-11T23:00:00Z"
    assert (day["measured_minutes"], day["limit_minutes"], day["person_ref"]) == (660, 600, "C01")
    assert day["cures"][0]["at"] == ["2026-11-12T21:00:00Z"]


@pytest.mark.parametrize(
    ("severity", "roles"),
    [(Severity.HARD, ["owner", "admin"]), (Severity.DEROG, ["owner", "admin", "planner"]), (Severity.INFO, [])],
)
def test_who_may_let_it_pass_depends_on_how_serious_it_is(severity: Severity, roles: list[str]) -> None:
    finding = replace(judge(*ELEVEN_HOURS)[0], severity=severity)
    assert finding.to_json()["override_by"] == roles


def test_a_recorded_derogation_covers_a_finding_and_keeps_it_readable() -> None:
    law = Law(derogations=[Derogation("WT-DAY-10", "inspector", "décision 2026-118", *YEAR)])
    (finding,) = of("WT-DAY-10", judge(*ELEVEN_HOURS, law=law))
    assert (finding.severity, finding.covered_by, finding.measured) == (Severity.INFO, "décision 2026-118", 660)
    assert finding.cures == ()


@pytest.mark.parametrize(
    "derogation",
    [
        Derogation("WT-DAY-10", "inspector", "out of date", date(2026, 1, 1), date(2026, 11, 11)),
        Derogation("WT-DAY-10", "inspector", "somebody else", *YEAR, persons=frozenset({"C02"})),
        Derogation("WT-DAY-10", "inspector", "not so far", *YEAR, limit=650),
        Derogation("WT-WEEK-48", "authority", "another rule", *YEAR),
    ],
    ids=lambda derogation: derogation.document,
)
def test_a_derogation_that_does_not_reach_covers_nothing(derogation: Derogation) -> None:
    (finding,) = of("WT-DAY-10", judge(*ELEVEN_HOURS, law=Law(derogations=[derogation])))
    assert (finding.severity, finding.covered_by) == (Severity.DEROG, None)


def test_a_derogation_for_one_person_on_its_last_day_covers() -> None:
    derogation = Derogation("WT-DAY-10", "inspector", "hers", DAY, DAY, frozenset({"C01"}), limit=660)
    (finding,) = of("WT-DAY-10", judge(*ELEVEN_HOURS, law=Law(derogations=[derogation])))
    assert finding.covered_by == "hers"


def test_nothing_covers_what_no_derogation_can_cover() -> None:
    law = Law(
        agreements=[Agreement("WT-DAY-10", 900, "accord", date(2020, 1, 1))],
        derogations=[Derogation("WT-DAY-10", "inspector", "décision", *YEAR)],
    )
    (finding,) = of("WT-DAY-10", judge(*THIRTEEN_HOURS, law=law))
    assert (finding.severity, finding.covered_by) == (Severity.HARD, None)


def test_a_company_agreement_widens_within_the_law() -> None:
    law = Law(agreements=[Agreement("WT-DAY-10", 660, "accord du 3 mars 2025", date(2025, 3, 3))])
    (finding,) = of("WT-DAY-10", judge(*ELEVEN_HOURS, law=law))
    assert (finding.severity, finding.covered_by) == (Severity.INFO, "accord du 3 mars 2025")


def test_a_stricter_company_agreement_binds_and_is_named() -> None:
    law = Law(agreements=[Agreement("WT-DAY-10", 480, "accord du 3 mars 2025", date(2025, 3, 3))])
    (finding,) = of("WT-DAY-10", judge(call(9, 13), call(14, 18.5, "more"), law=law))
    assert (finding.limit, finding.measured) == (480, 510)
    assert (finding.source.article, finding.source.confidence) == ("accord du 3 mars 2025", Confidence.COMPANY)


def test_an_agreement_may_lower_the_rest_to_nine_hours_and_the_rest_is_still_owed() -> None:
    nights = (call(14, 23.5), call(33, 36, "next"))
    law = Law(agreements=[Agreement("WT-REST-11", 540, "accord", date(2025, 3, 3))])
    found = judge(*nights, law=law)
    assert [finding.severity for finding in of("WT-REST-11", found)] == [Severity.INFO]
    (owed,) = of("WT-REST-COMP", found)
    assert (owed.measured, owed.severity) == (90, Severity.WARN)


def test_rest_given_back_and_recorded_settles_the_balance() -> None:
    law = Law(derogations=[Derogation("WT-REST-COMP", "rest_given", "repos du 20", *YEAR)])
    assert of("WT-REST-COMP", judge(call(14, 23.5), call(33, 36, "next"), law=law)) == []


def test_what_only_a_page_reports_never_forbids() -> None:
    rehearsal = call(9, 14, kind="rehearsal", trade=Trade.DRAMA)
    (finding,) = of("EAC-DRAMA-SERVICE", judge(rehearsal, law=Law("1285")))
    assert finding.severity is Severity.WARN


def test_habits_of_the_trade_bind_only_a_company_that_asks_for_them() -> None:
    assert of("HOUSE-SERVICE-4", judge(call(9, 14))) == []
    (finding,) = of("HOUSE-SERVICE-4", judge(call(9, 14), law=Law(habits={"HOUSE-SERVICE-4": 270})))
    assert (finding.measured, finding.limit, finding.severity) == (300, 270, Severity.WARN)


@pytest.mark.parametrize("convention", [None, "3090", "2717"])
def test_another_company_is_not_judged_by_the_convention_1285(convention: str | None) -> None:
    assert of("EAC-CALL-330", judge(call(20, 23), law=Law(convention))) == []


def test_an_unknown_convention_is_said_and_the_law_still_holds() -> None:
    report = check([Work("C01", ELEVEN_HOURS, ADULT)], Law("9999"), PARIS)
    assert [note.code for note in report.notes] == ["unknown_convention"]
    assert of("WT-DAY-10", list(report.findings))


def test_without_a_birth_date_the_rules_for_minors_are_said_to_be_unchecked() -> None:
    report = check([Work("C01", [call(21, 23)])], Law(), PARIS)
    assert of("MIN-NIGHT", list(report.findings)) == []
    assert [(note.code, note.person) for note in report.notes] == [("birth_date_unknown", "C01")]


def test_a_prefect_s_authorisation_opens_the_gate_for_a_child() -> None:
    born = date(2011, 6, 1)
    assert [f.scope for f in of("MIN-AUTH", judge(call(10, 12, production="A"), born=born))] == ["A"]
    law = Law(derogations=[Derogation("MIN-AUTH", "prefect", "arrêté", *YEAR)])
    assert of("MIN-AUTH", judge(call(10, 12), born=born, law=law)) == []


def test_somebody_born_on_29_february_comes_of_age_on_1_march() -> None:
    born = date(2008, 2, 29)
    eve = Segment("eve", "a", at(21, date(2026, 2, 28)), at(22.5, date(2026, 2, 28)))
    day = Segment("day", "b", at(21, date(2026, 3, 1)), at(22.5, date(2026, 3, 1)))
    assert [finding.calls for finding in of("MIN-NIGHT", judge(eve, day, born=born))] == [("eve",)]


def test_an_option_is_reported_apart() -> None:
    sure, option = (call(9, 13, "sure"), call(14, 18, "sure too")), call(20, 23, "option", if_confirmed=True)
    found = judge(*sure, option)
    assert of("WT-DAY-10", judge(*sure)) == []
    (finding,) = of("WT-DAY-10", found)
    assert finding.if_confirmed


def test_an_option_that_makes_a_breach_worse_is_reported_apart() -> None:
    option = call(23, 25.5, "option", if_confirmed=True)
    found = of("WT-DAY-10", judge(call(7, 12, "one"), call(13, 18, "two"), call(20, 22, "three"), option))
    assert [(finding.severity, finding.if_confirmed) for finding in found] == [
        (Severity.DEROG, False),
        (Severity.HARD, True),
    ]


@pytest.mark.parametrize(
    ("starts", "ends"),
    [
        (at(9), at(9)),
        (at(10), at(9)),
        (datetime(1850, 1, 1, tzinfo=UTC), at(9)),
        (at(9), datetime(2150, 1, 1, tzinfo=UTC)),
    ],
)
def test_what_is_no_segment_is_said_and_the_rest_is_judged(starts: datetime, ends: datetime) -> None:
    report = check([Work("C01", [*ELEVEN_HOURS, Segment("bad", "b", starts, ends)], ADULT)], Law(), PARIS)
    assert [(note.code, note.call) for note in report.notes] == [("not_a_segment", "bad")]
    assert of("WT-DAY-10", list(report.findings))[0].measured == 660


def test_before_the_law_there_is_nothing_to_find() -> None:
    long_ago = Segment("a", "b", datetime(1950, 1, 1, tzinfo=UTC), datetime(1950, 1, 2, 12, tzinfo=UTC))
    assert judge(long_ago) == []


def test_a_break_outside_its_call_cuts_nothing() -> None:
    outside = Pause(at(20), at(21))
    assert of("WT-BREAK-20", judge(call(9, 15, pauses=[outside])))[0].measured == 360


def test_a_paid_break_is_work() -> None:
    paid, unpaid = (call(9, 15.5, pauses=[Pause(at(12), at(12.5), paid=paid)]) for paid in (True, False))
    assert of("WT-BREAK-20", judge(paid))[0].measured == 390
    assert of("WT-BREAK-20", judge(unpaid)) == []


def test_breaks_longer_than_the_call_leave_no_work() -> None:
    assert judge(call(9, 15, unplaced_break_minutes=600)) == []


def test_a_naive_instant_is_refused() -> None:
    naive = datetime(2026, 11, 12, 9)  # noqa: DTZ001 - the fault itself
    with pytest.raises(ValueError, match="naive"):
        judge(Segment("a", "b", naive, naive + timedelta(hours=1)))


def test_two_hundred_night_hours_warn_and_two_hundred_and_seventy_make_a_night_worker() -> None:
    def nights(count: int) -> list[Segment]:
        return [
            Segment(
                f"n{n}",
                f"a{n}",
                at(24, date(2026, 1, 5) + timedelta(weeks=n)),
                at(31, date(2026, 1, 5) + timedelta(weeks=n)),
            )
            for n in range(count)
        ]

    def found(count: int) -> list[tuple[Severity, int]]:
        return [(f.severity, f.measured) for f in of("WT-NIGHT-WORKER", judge(*nights(count)))]

    assert found(28) == []
    assert found(29) == [(Severity.WARN, 29 * 420)]
    assert found(39) == [(Severity.DEROG, 39 * 420)]


def test_two_long_nights_in_a_week_warn() -> None:
    found = of("WT-NIGHT-WORKER", judge(call(24, 28, "one"), call(48, 52, "two")))
    assert [(f.measured, f.unit.value, f.severity) for f in found] == [(2, "nights", Severity.WARN)]


def test_overtime_is_counted_for_each_employer() -> None:
    week = [Segment(f"{d}{e}", f"{d}{e}", at(h, date(2026, 11, 9 + d)), at(h + 6, date(2026, 11, 9 + d)), employer=e)
            for d in range(6) for e, h in (("A", 7), ("B", 14))]  # fmt: skip
    found = of("WT-OT", judge(*week))
    assert [(f.scope, f.measured) for f in found] == [("A", 2160), ("B", 2160)]


def test_moving_a_call_says_what_appears_and_what_goes() -> None:
    works = [Work(person, ELEVEN_HOURS, ADULT) for person in ("C01", "C02")] + [Work("C03", [call(9, 12, "other")])]
    changes = move_call(works, "evening", at(20), at(22), Law(), PARIS)
    assert {(f.person, f.rule) for f in changes.gone} == {
        (person, rule) for person in ("C01", "C02") for rule in ("WT-DAY-10", "WT-REST-11", "WT-REST-COMP")
    }
    assert (changes.appeared, changes.changed) == ([], [])


def test_moving_a_call_says_what_only_changes() -> None:
    changes = move_call([Work("C01", ELEVEN_HOURS, ADULT)], "evening", at(20), at(22.5), Law(), PARIS)
    assert {(f.rule, f.measured) for f in changes.changed} >= {("WT-DAY-10", 630), ("WT-REST-11", 630)}


def test_a_call_that_stays_changes_nothing() -> None:
    found = judge(*ELEVEN_HOURS)
    changes = compare(found, found)
    assert (changes.appeared, changes.gone, changes.changed) == ([], [], [])


VALUE = """
[[rule.value]]
from = {start}
{end}
limit = 600
article = "art."
link = ""
text = ""
confidence = "L"
"""


def rule(*periods: tuple[str, str | None]) -> str:
    values = (VALUE.format(start=start, end=f"to = {end}" if end else "") for start, end in periods)
    return '[[rule]]\nid = "X"\ntitle = { fr = "x", en = "x" }\n' + "".join(values)


def test_a_value_holds_from_its_first_day_until_the_next_one_begins() -> None:
    (found,) = parse(rule(("2026-01-01", None), ("2020-01-01", "2026-01-01")))
    days = [date(2019, 12, 31), date(2025, 12, 31), date(2026, 1, 1)]
    values = [found.on(day.toordinal()) for day in days]
    assert [value and date.fromordinal(value.start).year for value in values] == [None, 2020, 2026]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (rule(("2020-01-01", "2025-01-01"), ("2026-01-01", None)), "no value from 2025-01-01 to 2025-12-31"),
        (rule(("2020-01-01", "2026-06-01"), ("2026-01-01", None)), "overlap on 2026-01-01"),
        (rule(("2020-01-01", None), ("2026-01-01", None)), "overlap on 2026-01-01"),
        (rule(("2020-01-01", "2019-01-01")), "ends before"),
        (rule(), "incomplete"),
        (rule(("2020-01-01", None)).replace("limit = 600", ""), "incomplete"),
        (rule(("2020-01-01", None)).replace("limit = 600", "limit = 1.5"), "incomplete"),
        (rule(("2020-01-01", None)).replace('"L"', '"?"'), "incomplete"),
        (rule(("2020-01-01", None)).replace("title", 'agreement = "nowhere"\ntitle'), "incomplete"),
        ("[[rule", "not valid TOML"),
    ],
)
def test_values_that_do_not_hold_together_are_refused_with_a_sentence(text: str, reason: str) -> None:
    with pytest.raises(ValuesError, match=reason):
        parse(text)


@pytest.mark.parametrize("convention", [None, "1285", "3090"])
def test_every_rule_names_its_text_and_known_grounds(convention: str | None) -> None:
    for found in rules_of(convention).values():
        assert set(found.grounds) <= set(grounds())
        for value in found.values:
            assert value.source.article
            assert value.source.text
