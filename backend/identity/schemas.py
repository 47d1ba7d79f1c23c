"""What enters and leaves the routes of identity."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import AfterValidator, Field, StringConstraints

from backend.core.instants import HOME_TIMEZONE
from backend.core.schemas import Body, Day, Email, Line, Name, Phone, TimeZone, UtcInstant, Version, refuse
from backend.core.siret import is_siret
from backend.identity.models import Role
from backend.tenancy.models import CompanyStatus


def _siret(text: str) -> str:
    digits = text.replace(" ", "")
    if not is_siret(digits):
        raise refuse(
            "siret",
            "Ce SIRET n'est pas valable : 14 chiffres, dont le dernier est une clé de contrôle.",
            "This SIRET is not valid: 14 digits, of which the last is a check digit.",
        )
    return digits


Password = Annotated[str, StringConstraints(min_length=1, max_length=1000), Field(examples=["trois-coups-au-lever"])]
Siret = Annotated[str, StringConstraints(max_length=40), AfterValidator(_siret), Field(examples=["99999998000017"])]
Idcc = Annotated[str, StringConstraints(pattern=r"^[0-9]{3,4}$"), Field(examples=["1285"])]
Token = Annotated[str, StringConstraints(min_length=1, max_length=2000), Field(examples=["q3J0...wQ"])]
Language = Literal["fr", "en"]
FullName = Annotated[Name, Field(examples=["Camille Renard"])]
Address = Annotated[Email, Field(examples=["camille.renard@example.org"])]


class OwnerIn(Body):
    """The first owner of a new company."""

    email: Address
    password: Password
    full_name: FullName
    language: Language = Field("fr", examples=["fr"])


class CompanyIn(Body):
    """A sign-up; with a token `owner` is left out."""

    name: Name = Field(examples=["Compagnie du Lever"])
    slug: Annotated[str, StringConstraints(max_length=200)] | None = Field(None, examples=["compagnie-du-lever"])
    siret: Siret | None = None
    idcc: Idcc | None = None
    timezone: TimeZone = HOME_TIMEZONE
    city: Line | None = Field(None, examples=["Nantes"])
    owner: OwnerIn | None = None


class Licence(Body):
    """A receipt of declaration "valant licence" (code du travail, L7122-3)."""

    category: int = Field(ge=1, le=3, strict=True, examples=[2])
    number: Annotated[Line, StringConstraints(pattern=r"^[^|:]+$")] = Field(examples=["PLATESV-R-2026-000001"])
    expires_on: Day


class CompanyOut(Body):
    """A company, as its members see it."""

    id: UUID
    slug: str = Field(examples=["compagnie-du-lever"])
    name: str = Field(examples=["Compagnie du Lever"])
    siret: str | None = Field(examples=["99999998000017"])
    idcc: str | None = Field(examples=["1285"])
    timezone: str = Field(examples=["Europe/Paris"])
    city: str | None = Field(examples=["Nantes"])
    licences: list[Licence]
    contact_name: str | None = Field(examples=["Caroline de Sousa"])
    contact_phone: str | None = Field(examples=["+33 6 39 98 00 38"])
    status: CompanyStatus
    created_at: UtcInstant
    version: Version


class CompanyPatch(Body):
    """The fields to change; null clears an optional one."""

    name: Name | None = Field(None, examples=["Compagnie du Lever"])
    siret: Siret | None = None
    idcc: Idcc | None = None
    timezone: TimeZone | None = None
    city: Line | None = Field(None, examples=["Nantes"])
    licences: list[Licence] | None = Field(None, max_length=20)
    contact_name: Name | None = Field(
        None, examples=["Caroline de Sousa"], description="Whom to phone, shown to the people whom the company calls."
    )
    contact_phone: Phone | None = Field(None, examples=["+33 6 39 98 00 38"])


class SignedUp(Body):
    """A new company; `access_token` logs its new owner in, and is shown once."""

    company: CompanyOut
    access_token: str | None = Field(examples=["q3J0...wQ"])
    token_type: Literal["bearer"] = Field("bearer", examples=["bearer"])
    code: str | None = Field(None, examples=[None], description="`secret_shown_once` where this answer is a replay.")


class SlugAvailability(Body):
    """Whether a slug can be had, and one that can."""

    slug: str = Field(examples=["compagnie-du-lever"])
    available: bool = Field(examples=[True])
    reason: str | None = Field(None, examples=[None])
    suggestion: str | None = Field(None, examples=["compagnie-du-lever"])


class RegisterIn(Body):
    """A new account."""

    email: Address
    password: Password
    full_name: FullName
    language: Language = Field("fr", examples=["fr"])


class UserOut(Body):
    """An account, as its owner sees it."""

    id: UUID
    email: str = Field(examples=["camille.renard@example.org"])
    full_name: str = Field(examples=["Camille Renard"])
    language: str = Field(examples=["fr"])
    is_verified: bool = Field(examples=[True])
    created_at: UtcInstant
    version: Version


class UserPatch(Body):
    """The fields to change; a new e-mail or password needs `current_password`."""

    full_name: FullName | None = None
    language: Language | None = Field(None, examples=["en"])
    email: Address | None = None
    password: Password | None = None
    current_password: Password | None = None


class LoggedIn(Body):
    """The token of a login; send it as `Authorization: Bearer <token>`."""

    access_token: str = Field(examples=["q3J0...wQ"])
    token_type: Literal["bearer"] = Field("bearer", examples=["bearer"])


class EmailIn(Body):
    """An address to which a mail goes, if it has an account."""

    email: Address


class TokenIn(Body):
    """A token from a mail."""

    token: Token


class ResetIn(Body):
    """A token from a mail, and the new password."""

    token: Token
    password: Password


class MyCompany(Body):
    """A company that the caller belongs to."""

    id: UUID
    slug: str = Field(examples=["compagnie-du-lever"])
    name: str = Field(examples=["Compagnie du Lever"])
    role: Role
    status: CompanyStatus


class SessionOut(Body):
    """One login of the caller."""

    id: UUID
    created_at: UtcInstant
    expires_at: UtcInstant
    user_agent: str | None = Field(examples=["curl/8.5.0"])
    current: bool = Field(examples=[True])


class MemberOut(Body):
    """A member of the company."""

    id: UUID
    user_id: UUID
    email: str = Field(examples=["camille.renard@example.org"])
    full_name: str = Field(examples=["Camille Renard"])
    role: Role
    created_at: UtcInstant
    version: Version


class MemberPatch(Body):
    """A new role."""

    role: Role


class InvitationIn(Body):
    """An invitation; `person_id` links the account to somebody in the directory."""

    email: Address
    role: Role
    person_id: UUID | None = None
    language: Language = Field("fr", examples=["fr"])


class InvitationOut(Body):
    """An invitation; `accept_url` is handed over by the inviter, and shown once."""

    id: UUID
    email: str = Field(examples=["camille.renard@example.org"])
    role: Role
    person_id: UUID | None
    inviter_name: str = Field(examples=["Victoire Lopes"])
    created_at: UtcInstant
    expires_at: UtcInstant
    accepted_at: UtcInstant | None
    accept_url: str | None = Field(None, examples=["https://filage.example/invitation?token=q3J0...wQ"])
    code: str | None = Field(None, examples=[None], description="`secret_shown_once` where this answer is a replay.")


class AcceptIn(Body):
    """A token of an invitation; name and password make the account where the address has none."""

    token: Token
    full_name: FullName | None = None
    password: Password | None = None


class Accepted(Body):
    """What an acceptance gave: membership, and a login where the account is new (shown once)."""

    company: MyCompany
    person_id: UUID | None
    contested: int = Field(examples=[0], description="Bookings to be settled with the person: two companies overlap.")
    access_token: str | None = Field(examples=["q3J0...wQ"])
    token_type: Literal["bearer"] = Field("bearer", examples=["bearer"])
    code: str | None = Field(None, examples=[None], description="`secret_shown_once` where this answer is a replay.")
