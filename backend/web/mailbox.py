"""The demo's mailbox: mails that were written instead of sent, to be read by whoever sits at this machine.

Everybody's mail with its links is shown to anybody: the router is mounted only where `demo_mailbox` is set.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from email.parser import BytesHeaderParser, BytesParser
from email.policy import default
from http import HTTPStatus
from pathlib import Path

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse

from backend.core.settings import Settings
from backend.web.rendering import render
from backend.web.sessions import opened

SHOWN = 200
ZONE = "Europe/Paris"  # the clock of the demo's companies
_NAME = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_LINK = re.compile(r"(https?://[^\s<>\"']+[^\s<>\"'.,;:!?)])")

router = APIRouter(prefix="/demo/mailbox", include_in_schema=False, dependencies=[Depends(opened)])


@dataclass(frozen=True, slots=True)
class Letter:
    """The head of one mail; `name` is its file's name without the ending, and grows with time."""

    name: str
    to: str
    subject: str
    date: datetime | None


@router.get("")
def list_mails(request: Request) -> HTMLResponse:
    """Show the newest mails first."""
    names = sorted(_names(request), reverse=True)
    letters = [letter for name in names[:SHOWN] if (letter := _head(_folder(request), name))]
    return render(request, "mailbox.html", letters=letters, more=max(0, len(names) - SHOWN), zone=ZONE)


@router.get("/{name}")
def read_mail(request: Request, name: str) -> HTMLResponse:
    """Show one mail: its text with links, and the source of its HTML part, never run."""
    content = _read(_folder(request), name) if name in _names(request) else None
    if content is None:
        return render(request, "no_mail.html", status=HTTPStatus.NOT_FOUND)
    message = BytesParser(_class=EmailMessage, policy=default).parsebytes(content)
    return render(
        request,
        "mail.html",
        zone=ZONE,
        letter=_letter(name, message),
        pieces=_pieces(_part(message, "plain")),
        markup=_part(message, "html"),
    )


def _folder(request: Request) -> Path:
    settings: Settings = request.app.state.settings
    return settings.mail_dir


def _names(request: Request) -> set[str]:
    """Return the names that exist: whatever is asked for is compared with them, and never made into a path."""
    return {path.stem for path in _folder(request).glob("*.eml") if _NAME.fullmatch(path.stem)}


def _read(folder: Path, name: str) -> bytes | None:
    try:
        return (folder / f"{name}.eml").read_bytes()
    except FileNotFoundError:
        return None


def _head(folder: Path, name: str) -> Letter | None:
    content = _read(folder, name)
    if content is None:
        return None
    return _letter(name, BytesHeaderParser(_class=EmailMessage, policy=default).parsebytes(content))


def _letter(name: str, message: EmailMessage) -> Letter:
    date = message["Date"]
    return Letter(name, str(message["To"]), str(message["Subject"]), date.datetime if date else None)


def _part(message: EmailMessage, subtype: str) -> str:
    part = message.get_body((subtype,))
    return "" if part is None else str(part.get_content())


def _pieces(text: str) -> Iterator[tuple[str, bool]]:
    """Yield the text in order, with True beside each piece that is a link to http or https."""
    for number, piece in enumerate(_LINK.split(text)):
        yield piece, number % 2 == 1
