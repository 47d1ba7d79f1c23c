"""What leaves the audit trail's route."""

from typing import Annotated, Any
from uuid import UUID

from pydantic import Field

from backend.core.schemas import Body, UtcInstant


class AuditEventOut(Body):
    """One act: `before` and `after` hold what it changed, and nothing else."""

    id: UUID
    at: UtcInstant
    what: Annotated[str, Field(examples=["person.changed"])]
    subject_id: UUID | None
    actor_id: Annotated[UUID | None, Field(description="Null when an operator's command acted.")]
    actor_name: Annotated[str, Field(examples=["Camille Renard"])]
    before: Annotated[dict[str, Any] | None, Field(examples=[{"phone": None}])]
    after: Annotated[dict[str, Any] | None, Field(examples=[{"phone": "+33 6 39 98 12 34"}])]
