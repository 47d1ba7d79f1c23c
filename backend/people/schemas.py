"""What enters and leaves the directory's routes; a person's number in the ledger never does."""

from datetime import date
from typing import Annotated
from uuid import UUID

from pydantic import BeforeValidator, Field

from backend.core.resources import AtMost, unsent
from backend.core.schemas import Body, Code, Day, Email, Line, Name, Phone, Ref, UtcInstant, Version
from backend.people.models import Annexe
from backend.rules.work import PermitKind

JobCode = Annotated[Code, Field(examples=["regisseur_lumiere"], description="Code of a job of this company.")]
JobLabel = Annotated[Line, Field(examples=["régisseur·se lumière"], description="What people read.")]
Department = Annotated[Line, AtMost(60), Field(examples=["lighting"])]
AnnexeOf = Annotated[Annexe, Field(examples=["8"], description="`8` technicians, `10` artists, `cdi` permanent staff.")]
PersonRef = Annotated[Ref, Field(examples=["R07"], description="The company's own reference, unique in it.")]
FirstName = Annotated[Name, Field(examples=["Camille"])]
LastName = Annotated[Name, Field(examples=["Renard"])]
PersonEmail = Annotated[Email, Field(examples=["camille.renard@example.org"])]
PersonPhone = Annotated[Phone, Field(examples=["+33 6 39 98 12 34"])]
BirthDate = Annotated[Day, Field(examples=["1989-04-02"])]

SkillCode = Annotated[Code, Field(examples=["rigging"], description="Code of a skill of this company.")]
SkillCodes = Annotated[
    list[SkillCode], Field(max_length=50, examples=[["rigging"]], description="Codes of skills of this company.")
]
SkillLabel = Annotated[Line, Field(examples=["accroche"], description="What people read.")]
Kind = Annotated[PermitKind, Field(examples=["electrical_habilitation"])]
Kinds = Annotated[
    list[PermitKind],
    Field(max_length=20, examples=[["electrical_habilitation"]], description="Kinds of permits, valid on the day."),
]
Issuer = Annotated[Line, Field(examples=["APAVE Nantes"], description="Who issued it; nothing of the person's health.")]
IssuedOn = Annotated[Day, Field(examples=["2024-03-01"], description="The first day on which it is valid.")]
ExpiresOn = Annotated[
    Day, Field(examples=["2027-02-28"], description="The last day on which it is valid; null: for good.")
]


class JobIn(Body):
    """What a new job needs."""

    code: JobCode
    label: JobLabel
    department: Department
    annexe: AnnexeOf
    required_skills: SkillCodes = Field(default_factory=list)
    required_permits: Kinds = Field(default_factory=list)


class JobChange(Body):
    """What a PATCH of a job takes; a new code follows to every person and call that names it."""

    code: JobCode = unsent()
    label: JobLabel = unsent()
    department: Department = unsent()
    annexe: AnnexeOf = unsent()
    required_skills: SkillCodes = unsent()
    required_permits: Kinds = unsent()


class JobOut(Body):
    """A job as it stands, with what it asks of whoever does it on any call."""

    id: UUID
    code: Annotated[str, Field(examples=["regisseur_lumiere"])]
    label: Annotated[str, Field(examples=["régisseur·se lumière"])]
    department: Annotated[str, Field(examples=["lighting"])]
    annexe: AnnexeOf
    required_skills: SkillCodes
    required_permits: Annotated[list[str], Field(examples=[["electrical_habilitation"]])]
    version: Version


class SkillIn(Body):
    """What a new skill needs."""

    code: SkillCode
    label: SkillLabel


class SkillChange(Body):
    """What a PATCH of a skill takes; a new code follows to everything that names it."""

    code: SkillCode = unsent()
    label: SkillLabel = unsent()


class SkillOut(Body):
    """A skill as it stands."""

    id: UUID
    code: Annotated[str, Field(examples=["rigging"])]
    label: Annotated[str, Field(examples=["accroche"])]
    version: Version


class PersonSkills(Body):
    """The skills of one person, all of them."""

    skills: SkillCodes


class PermitIn(Body):
    """A permit to record; it is valid on both of its days."""

    kind: Kind
    issuer: Issuer | None = None
    issued_on: IssuedOn
    expires_on: ExpiresOn | None = None


class PermitChange(Body):
    """What a PATCH of a permit takes; null clears the issuer and the expiry."""

    kind: Kind = unsent()
    issuer: Issuer | None = None
    issued_on: IssuedOn = unsent()
    expires_on: ExpiresOn | None = None


class PermitOut(Body):
    """A permit as it stands."""

    id: UUID
    person_id: UUID
    kind: Annotated[str, Field(examples=["electrical_habilitation"])]
    issuer: Annotated[str | None, Field(examples=["APAVE Nantes"])]
    issued_on: Annotated[date, Field(examples=["2024-03-01"])]
    expires_on: Annotated[date | None, Field(examples=["2027-02-28"])]
    created_at: UtcInstant
    updated_at: UtcInstant
    version: Version


class PersonIn(Body):
    """A new person; what is left out of `department` and `annexe` is the job's."""

    ref: PersonRef | None = None
    first_name: FirstName
    last_name: LastName
    email: PersonEmail | None = None
    phone: PersonPhone | None = None
    job: JobCode
    department: Department | None = None
    annexe: AnnexeOf | None = None
    birth_date: BirthDate | None = None


class PersonChange(Body):
    """What a PATCH of a person takes; null clears a field, and puts `department` and `annexe` back to the job's."""

    ref: PersonRef | None = None
    first_name: FirstName = unsent()
    last_name: LastName = unsent()
    email: PersonEmail | None = None
    phone: PersonPhone | None = None
    job: JobCode = unsent()
    department: Department | None = None
    annexe: AnnexeOf | None = None
    birth_date: BirthDate | None = None


HasAccount = Annotated[
    bool,
    BeforeValidator(lambda user_id: user_id is not None),
    Field(validation_alias="user_id", examples=[False], description="Whether the person has linked an account."),
]


class PersonOut(Body):
    """A person as they stand in this company's directory."""

    id: UUID
    ref: Annotated[str | None, Field(examples=["R07"])]
    first_name: Annotated[str, Field(examples=["Camille"])]
    last_name: Annotated[str, Field(examples=["Renard"])]
    email: Annotated[str | None, Field(examples=["camille.renard@example.org"])]
    phone: Annotated[str | None, Field(examples=["+33 6 39 98 12 34"])]
    job: Annotated[str, Field(examples=["regisseur_lumiere"], description="Code of the job.")]
    department: Annotated[str, Field(examples=["lighting"])]
    annexe: AnnexeOf
    birth_date: Annotated[date | None, Field(examples=["1989-04-02"])]
    has_account: HasAccount
    created_at: UtcInstant
    updated_at: UtcInstant
    version: Version
