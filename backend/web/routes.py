"""One table of every router of pages."""

from fastapi import APIRouter

from backend.web.assets import router as assets
from backend.web.front import router as front
from backend.web.mine import router as mine
from backend.web.my_calendar import router as my_calendar
from backend.web.my_findings import router as my_findings
from backend.web.my_hours import router as my_hours
from backend.web.my_profile import router as my_profile
from backend.web.pages import router as pages
from backend.web.signing import router as signing

ROUTERS: tuple[APIRouter, ...] = (assets, pages, front, signing, mine, my_calendar, my_findings, my_hours, my_profile)
