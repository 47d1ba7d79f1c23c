"""One table of every router of pages."""

from fastapi import APIRouter

from backend.web.assets import router as assets
from backend.web.board import router as board
from backend.web.call_list import router as call_list
from backend.web.calls import router as calls
from backend.web.casting import router as casting
from backend.web.company import router as company
from backend.web.front import router as front
from backend.web.inviting import router as inviting
from backend.web.members import router as members
from backend.web.mine import router as mine
from backend.web.my_calendar import router as my_calendar
from backend.web.my_findings import router as my_findings
from backend.web.my_hours import router as my_hours
from backend.web.my_profile import router as my_profile
from backend.web.my_unavailabilities import router as my_unavailabilities
from backend.web.pages import router as pages
from backend.web.people import router as people
from backend.web.printing import router as printing
from backend.web.productions import router as productions
from backend.web.publishing import router as publishing
from backend.web.setting_up import router as setting_up
from backend.web.signing import router as signing
from backend.web.status import router as status
from backend.web.venues import router as venues

ROUTERS: tuple[APIRouter, ...] = (
    assets, pages, front, signing, status, setting_up, inviting, people, productions, venues, company, members,
    mine, my_calendar, my_findings, my_hours, my_profile, my_unavailabilities,
    board, call_list, calls, casting, publishing, printing,
)  # fmt: skip
