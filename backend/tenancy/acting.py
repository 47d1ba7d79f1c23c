"""One act: who does something, in which company, when, and through which transaction."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from backend.tenancy.models import CompanyInfo


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts: a user, or a command of an operator (no user id)."""

    user_id: UUID | None
    name: str
    role: str | None = None


@dataclass(frozen=True, slots=True)
class Act:
    """What a service needs beside its arguments; the session's role can see this company and no other."""

    session: AsyncSession
    company: CompanyInfo
    actor: Actor
    now: datetime
