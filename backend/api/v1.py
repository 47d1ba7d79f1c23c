"""One table of every router under /api/v1."""

from fastapi import APIRouter

from backend.availability.router import router as availability
from backend.hours.router import router as hours
from backend.identity.router import router as identity
from backend.imports.router import router as imports
from backend.notifications.router import router as notifications
from backend.people.router import router as people
from backend.people.skills_router import router as skills
from backend.planning.busy_router import router as busy
from backend.planning.copies_router import router as copies
from backend.planning.findings_router import router as findings
from backend.planning.premieres_router import router as premieres
from backend.planning.router import router as planning
from backend.portal.history_router import router as audit
from backend.portal.router import router as portal
from backend.productions.router import router as productions
from backend.productions.travel_router import router as travel

ROUTERS: tuple[APIRouter, ...] = (
    identity,
    portal,
    people,
    skills,
    productions,
    travel,
    planning,
    copies,
    premieres,
    busy,
    findings,
    hours,
    availability,
    imports,
    notifications,
    audit,
)
PREFIX = "/api/v1"
