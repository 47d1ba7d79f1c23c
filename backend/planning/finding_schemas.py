"""How findings leave the API, and the planning that carries them: one language, ids of people and calls."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import Field

from backend.core.pagination import Page
from backend.core.resources import unsent
from backend.core.schemas import Body, Day, Line, UtcInstant, Version
from backend.planning.domain.clearance import Override
from backend.planning.domain.proposal import NEW
from backend.planning.schemas import (
    AssignmentId,
    Breaks,
    CallChange,
    CallId,
    Job,
    PersonId,
    PlannedAssignment,
    PlannedCall,
    PlannedPerson,
    PlannedPosition,
    PlannedProduction,
    PlannedUnavailability,
    PlannedVenue,
    Reason,
    Second,
    Told,
    UnplacedBreak,
)
from backend.productions.schemas import ProductionChange
from backend.rules.finding import Action, Confidence, Cure, Finding, Severity, Unit


class CureOut(Body):
    """The shortest change of one kind that makes the finding disappear."""

    action: Annotated[Action, Field(examples=["start_later"])]
    call_id: CallId
    assignment_id: AssignmentId | None
    minutes: Annotated[int, Field(examples=[90], description="How much changes; the smallest cure comes first.")]
    at: Annotated[
        list[UtcInstant], Field(description="The new start or end, or where each break of 20 minutes begins.")
    ]
    sentence: Annotated[str, Field(examples=["Commencer le 27 novembre 2026 à 10 h 30, soit 1 h 30 plus tard."])]


class OverrideOut(Body):
    """Who let a forbidden planning pass, when, and for which reason; the history keeps it too."""

    by: Annotated[str, Field(examples=["Anne Martin"])]
    at: UtcInstant
    reason: Reason


class PlannedFinding(Body):
    """What the law, or the company itself, says of one person in one window; of two calls on one stage, of nobody."""

    rule: Annotated[str, Field(examples=["WT-REST-11"])]
    severity: Annotated[
        Severity,
        Field(
            examples=["DEROG"],
            description="HARD: no derogation can exist. DEROG: lawful only with one. WARN: to look at. "
            "INFO: pay, or covered by a derogation.",
        ),
    ]
    person_id: Annotated[PersonId | None, Field(description="Null where two productions share a stage.")]
    window_start: UtcInstant
    window_end: UtcInstant
    measured_minutes: Annotated[int, Field(examples=[570], description="In `unit`.")]
    limit_minutes: Annotated[int, Field(examples=[660], description="In `unit`.")]
    unit: Annotated[Unit, Field(examples=["minutes"])]
    call_ids: list[CallId]
    assignment_ids: list[AssignmentId]
    if_confirmed: Annotated[bool, Field(examples=[False], description="Rests on a draft, an option or an acceptance.")]
    sentence: Annotated[str, Field(examples=["Repos de 9 h 30 après la journée du 26 novembre 2026, pour 11 h."])]
    article: Annotated[str, Field(examples=["Code du travail, art. L3131-1, L3131-2, D3131-4 et D3131-6"])]
    link: Annotated[str, Field(examples=["https://www.legifrance.gouv.fr/codes/article_lc/LEGIARTI000033020918"])]
    confidence: Annotated[
        Confidence,
        Field(examples=["L"], description="L: the article; C: the convention; P: a page; A: the company's own word."),
    ]
    override_by: Annotated[list[str], Field(examples=[["owner", "admin", "planner"]])]
    covered_by: Annotated[str | None, Field(examples=[None], description="The document of a recorded derogation.")]
    overridden: Annotated[
        OverrideOut | None, Field(description="Who let it pass as it stands; null for what nobody has, or has changed.")
    ]
    details: Annotated[dict[str, int], Field(examples=[{}])]
    cures: list[CureOut]


class PlanningOut(Body):
    """Everything of a period in one answer: calls that touch it, and all that they name, what the law says."""

    from_: Annotated[datetime, Field(alias="from", examples=["2026-11-15T23:00:00Z"])]
    to: Annotated[datetime, Field(examples=["2026-11-22T23:00:00Z"])]
    calls: list[PlannedCall]
    positions: list[PlannedPosition]
    assignments: list[PlannedAssignment]
    people: list[PlannedPerson]
    productions: list[PlannedProduction]
    venues: list[PlannedVenue]
    unavailabilities: list[PlannedUnavailability]
    findings: list[PlannedFinding]


class FindingOut(PlannedFinding):
    """A finding with the words of the text that it cites."""

    text: Annotated[str, Field(examples=["Tout salarié bénéficie d'un repos quotidien de onze heures consécutives."])]


class NoteOut(Body):
    """What could not be judged, and why; without a person, it is about the company."""

    code: Annotated[str, Field(examples=["birth_date_unknown"])]
    sentence: Annotated[str, Field(examples=["Date de naissance inconnue : les règles des mineurs ne sont pas lues."])]
    person_id: PersonId | None
    call_id: CallId | None


Rule = Annotated[str, Field(min_length=1, max_length=40, pattern=r"^[A-Z0-9-]+$", examples=["WT-REST-11"])]
GroundCode = Annotated[
    str,
    Field(
        min_length=1, max_length=40, pattern=r"^[a-z_]+$", examples=["agreement"],
        description="One of the grounds of the rule: `agreement`, `convention`, `inspector`, `authority`, `urgency`, "
        "`prefect`, `rest_given`, `counterpart`.",
    ),
]  # fmt: skip
Document = Annotated[Line, Field(examples=["Accord d'entreprise du 3 mars 2026"])]


class GroundIn(Body):
    """On which ground a rule is exceeded, and the document that says so."""

    rule: Rule
    ground: GroundCode
    document: Document


class ClearanceIn(Body):
    """What makes an act pass the law, if it must: a reason for what is forbidden, a ground for each other rule."""

    override_reason: Annotated[
        Reason | None, Field(description="An owner's or an admin's, for HARD findings; kept in the history.")
    ] = None
    grounds: Annotated[
        list[GroundIn],
        Field(max_length=20, description="For DEROG findings; recorded as derogations of the people and days found."),
    ] = Field(default_factory=list)


class ConfirmIn(ClearanceIn):
    """What makes a confirmation pass the law, if it must, and how a person who has not answered said yes."""

    on_behalf: Annotated[
        Told | None, Field(examples=[None], description="Of somebody who has not answered; kept in the history.")
    ] = None


class ClearedCallChange(CallChange, ClearanceIn):
    """Changes of a call; a published one that moves brings what makes it pass the law, if it must."""

    @property
    def change(self) -> CallChange:
        """What changes, without what clears it."""
        return CallChange.model_construct(
            _fields_set=self.model_fields_set & CallChange.model_fields.keys(),
            **{name: getattr(self, name) for name in CallChange.model_fields},
        )

    @property
    def clearance(self) -> ClearanceIn:
        """What clears it."""
        return ClearanceIn(override_reason=self.override_reason, grounds=self.grounds)


class ClearedProductionChange(ProductionChange, ClearanceIn):
    """Changes of a production; another premiere brings what makes its published calls pass the law, if it must."""

    @property
    def change(self) -> ProductionChange:
        """What changes, without what clears it."""
        return ProductionChange.model_construct(
            _fields_set=self.model_fields_set & ProductionChange.model_fields.keys(),
            **{name: getattr(self, name) for name in ProductionChange.model_fields},
        )

    @property
    def clearance(self) -> ClearanceIn:
        """What clears it."""
        return ClearanceIn(override_reason=self.override_reason, grounds=self.grounds)


class DerogationIn(Body):
    """A derogation to record; without a person, for everybody."""

    rule: Rule
    ground: GroundCode
    document: Document
    valid_from: Day
    valid_to: Day
    person_id: PersonId | None = None
    limit_minutes: Annotated[
        Annotated[int, Field(ge=0, le=100_000, strict=True)] | None,
        Field(examples=[540], description="How far it goes, in the rule's unit; null: as far as the law lets."),
    ] = None


class DerogationOut(Body):
    """A recorded derogation: findings that it covers are shown as INFO, with its document."""

    id: Annotated[UUID, Field(examples=["01936c5e-0000-7000-8000-0000000de409"])]
    rule: Rule
    ground: GroundCode
    document: Document
    valid_from: Day
    valid_to: Day
    person_id: PersonId | None
    limit_minutes: Annotated[int | None, Field(examples=[540])]
    recorded_by: Annotated[str, Field(examples=["Anne Martin"])]
    created_at: UtcInstant
    version: Version


AgreedMinutes = Annotated[
    int,
    Field(
        ge=1, le=100_000, strict=True, examples=[660],
        description="The rule's limit from then on, in its own unit: WT-AVG12-44 counts the sum of twelve weeks.",
    ),
]  # fmt: skip


class AgreementIn(Body):
    """The company's own agreement on a rule: stricter, or wider as far as the text of the rule lets."""

    rule: Annotated[Rule, Field(examples=["WT-DAY-10"])]
    limit_minutes: AgreedMinutes
    document: Document
    valid_from: Day
    valid_to: Annotated[Day | None, Field(description="The last day; null: until it is ended.")] = None


class AgreementChange(Body):
    """The day on which an agreement ends, or the name of its document; another limit is another agreement."""

    document: Document = unsent()
    valid_to: Day | None = None


class AgreementOut(AgreementIn):
    """A recorded agreement: what it allows is shown as INFO with its document, what it forbids cites it."""

    id: Annotated[UUID, Field(examples=["01936c5e-0000-7000-8000-00000000ac0d"])]
    valid_to: Day | None
    recorded_by: Annotated[str, Field(examples=["Anne Martin"])]
    created_at: UtcInstant
    version: Version


class CheckedAssignment(Body):
    """Somebody who would be confirmed on a call; one who stands on it already is not doubled."""

    call_id: CallId
    person_id: PersonId
    job: Job


class CheckedCall(Body):
    """A call that would take place otherwise; what is left out stays as it is."""

    call_id: CallId
    starts_at: Second = unsent()
    ends_at: Second = unsent()
    breaks: Breaks = unsent()
    unplaced_break_minutes: UnplacedBreak = unsent()


class CheckIn(Body):
    """A change to try: people confirmed on calls, calls at other times, assignments released or cancelled."""

    assignments: Annotated[list[CheckedAssignment], Field(max_length=50)] = Field(default_factory=list)
    calls: Annotated[list[CheckedCall], Field(max_length=10)] = Field(default_factory=list)
    released: Annotated[list[AssignmentId], Field(max_length=50, examples=[[]])] = Field(default_factory=list)


class ConflictOut(Body):
    """An assignment of this company in the way; without an id, one that the same change adds."""

    assignment_id: AssignmentId | None
    call_id: CallId
    starts_at: UtcInstant
    ends_at: UtcInstant


class RefusalOut(Body):
    """What the act itself would answer by 409."""

    code: Annotated[
        str, Field(examples=["overlap"], description="`overlap`, `person_unavailable` or `person_not_available`.")
    ]
    sentence: Annotated[str, Field(examples=["Cette personne est déjà confirmée sur des horaires qui se chevauchent."])]
    person_id: PersonId
    call_id: CallId
    conflicts: list[ConflictOut]


class CheckOut(Body):
    """What the change would do; `changed` are findings that stay with another measure, as they would become."""

    refusals: list[RefusalOut]
    appeared: list[PlannedFinding]
    gone: list[PlannedFinding]
    changed: list[PlannedFinding]


class FindingsPage(Page[FindingOut]):
    """One page of findings, the worst first, and what could not be judged."""

    notes: list[NoteOut]


def planned_finding(finding: Finding, language: str, override: Override | None = None) -> PlannedFinding:
    """Return a finding, whose person and calls go by their ids, as the planning of a period shows it."""
    return PlannedFinding(**_shared(finding, language, override))


def finding_out(finding: Finding, language: str, override: Override | None = None) -> FindingOut:
    """Return a finding with the text that it cites."""
    return FindingOut(**_shared(finding, language, override), text=finding.source.text)


def findings_json(findings: Sequence[Finding], language: str) -> list[dict[str, object]]:
    """Return findings as a refusal shows them."""
    return [planned_finding(finding, language).model_dump(mode="json") for finding in findings]


def _shared(finding: Finding, language: str, override: Override | None) -> dict[str, object]:
    return {
        "rule": finding.rule,
        "severity": finding.severity,
        "person_id": finding.person or None,
        "window_start": finding.starts_at,
        "window_end": finding.ends_at,
        "measured_minutes": finding.measured,
        "limit_minutes": finding.limit,
        "unit": finding.unit,
        "call_ids": list(finding.calls),
        "assignment_ids": [one for one in finding.assignments if not one.startswith(NEW)],
        "if_confirmed": finding.if_confirmed,
        "sentence": finding.sentence.in_language(language),
        "article": finding.source.article,
        "link": finding.source.link,
        "confidence": finding.source.confidence,
        "override_by": list(finding.override_by),
        "covered_by": finding.covered_by,
        "overridden": override and OverrideOut(by=override.by, at=override.at, reason=override.reason),
        "details": dict(finding.details),
        "cures": [_cure(cure, language) for cure in finding.cures],
    }


def _cure(cure: Cure, language: str) -> CureOut:
    return CureOut(
        action=cure.action,
        call_id=cure.call,
        assignment_id=None if not cure.assignment or cure.assignment.startswith(NEW) else cure.assignment,
        minutes=cure.minutes,
        at=list(cure.at),
        sentence=cure.sentence.in_language(language),
    )
