"""One table of every router of pages."""

from fastapi import APIRouter

from backend.web.assets import router as assets
from backend.web.front import router as front
from backend.web.pages import router as pages
from backend.web.setting_up import router as setting_up
from backend.web.signing import router as signing

ROUTERS: tuple[APIRouter, ...] = (assets, pages, front, signing, setting_up)
