"""One table of every router of pages."""

from fastapi import APIRouter

from backend.web.assets import router as assets
from backend.web.board import router as board
from backend.web.calls import router as calls
from backend.web.casting import router as casting
from backend.web.front import router as front
from backend.web.pages import router as pages
from backend.web.printing import router as printing
from backend.web.publishing import router as publishing
from backend.web.signing import router as signing

ROUTERS: tuple[APIRouter, ...] = (
    assets, pages, front, signing, board, calls, casting, publishing, printing,
)  # fmt: skip
