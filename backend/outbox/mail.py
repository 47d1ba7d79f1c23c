"""A mail as data, and as a message (RFC 5322) in French or English; sends nothing."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8
from email.utils import format_datetime, parseaddr
from enum import StrEnum
from functools import lru_cache
from typing import Any, Literal, Self
from uuid import UUID

from email_validator import validate_email
from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from backend.core.ids import new_id
from backend.core.settings import Settings

Language = Literal["fr", "en"]

_SPACES = re.compile(r"[\s\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_OPENING, _CLOSING = re.compile(r"«[^\S\n]+"), re.compile(r"[^\S\n]+»")
_UNSENDABLE = re.compile(r"[\ud800-\udfff]")
_ADDRESS_LIKE = re.compile(r"://|\w\.\w|@")


class MailKind(StrEnum):
    """What a mail is for; each kind has one template per language and form."""

    INVITATION = "invitation"
    VERIFICATION = "verification"
    PASSWORD_RESET = "password_reset"  # noqa: S105 - the name of a kind
    OFFERED = "offered"
    EXPIRING = "expiring"
    PROMOTED = "promoted"
    CONFIRMED = "confirmed"
    CHANGED = "changed"
    CANCELLED = "cancelled"
    EVE = "eve"


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail to one address.

    `context` holds, worded in `language`: invitation: `company`, `inviter`, `role`, `accept_url`, `expires_at`;
    verification: `name`, `verify_url`; password_reset: `name`, `reset_url`; each kind of planning: `name`, `company`,
    `contact`, `me_url`, `said`, `answered` (the last four may be empty) and `items`, a list of `head` and `lines`. `id`
    stays the same however often the mail is tried: it makes the Message-ID, by which a mail that came twice is
    recognised.
    """

    kind: MailKind
    to: str
    language: Language
    context: Mapping[str, Any]
    id: UUID = field(default_factory=new_id, compare=False)

    def as_payload(self) -> dict[str, Any]:
        """Return the mail as JSON values."""
        return {
            "kind": self.kind, "to": self.to, "language": self.language, "context": dict(self.context),
            "id": str(self.id),
        }  # fmt: skip

    @classmethod
    def from_payload(cls, payload: Mapping[str, Any]) -> Self:
        """Return the mail of a payload."""
        kind, to, language, context = (payload[name] for name in ("kind", "to", "language", "context"))
        return cls(MailKind(kind), to, language, context, UUID(payload["id"]))


def render(mail: Mail, settings: Settings, now: datetime) -> EmailMessage:
    """Return the message dated `now`, with a text and an HTML part.

    Raises EmailNotValidError (a ValueError) for a malformed address, jinja2.UndefinedError for a missing context key.
    """
    context = {"language": mail.language, **_clean(mail.context)}
    context["name"] = _greeted(context.get("name", ""))
    text = _environment().get_template(f"{mail.kind}.{mail.language}.txt.j2").make_module(context)
    subject = _quoted(_one_line(vars(text)["subject"]))
    markup = _environment().get_template(f"{mail.kind}.{mail.language}.html.j2").render(context, subject=subject)
    recipient = _recipient(mail.to)
    message = EmailMessage(policy=SMTP if recipient.username.isascii() else SMTPUTF8)
    message["From"] = settings.mail_from
    message["To"] = recipient
    message["Subject"] = subject
    message["Date"] = format_datetime(now)
    message["Message-ID"] = f"<{mail.id}@{sender_domain(settings)}>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(_quoted(str(text).strip()) + "\n")
    message.add_alternative(_quoted(markup), subtype="html")
    message["Content-Language"] = mail.language  # last: the library moves what is set before into the text part
    return message


def sender_domain(settings: Settings) -> str:
    """Return the domain that mails come from."""
    return parseaddr(settings.mail_from)[1].rpartition("@")[2] or "localhost"


@lru_cache(maxsize=1)
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("backend.outbox"),
        autoescape=select_autoescape(enabled_extensions=("html.j2",), default=False),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _clean(value: Any) -> Any:  # noqa: ANN401 - texts, lists and maps of them
    if isinstance(value, Mapping):
        return {key: _clean(each) for key, each in value.items()}
    return _one_line(value) if isinstance(value, str) else [_clean(each) for each in value]


def _one_line(text: str) -> str:
    # A line break in somebody's name must neither add a header nor a paragraph.
    return _UNSENDABLE.sub("", _SPACES.sub(" ", text)).strip()


def _quoted(text: str) -> str:
    """Return the text with guillemets that no end of a line parts from what they enclose."""
    return _CLOSING.sub("\u00a0»", _OPENING.sub("«\u00a0", text))


def _greeted(name: str) -> str:
    # Anybody can register anybody's address: a "name" that mail readers would turn into a link is not passed on.
    return "" if _ADDRESS_LIKE.search(name) else name


def _recipient(text: str) -> Address:
    """Return the address with its domain in ASCII (IDNA), the form that every server takes."""
    found = validate_email(text, check_deliverability=False)
    return Address(username=found.local_part, domain=found.ascii_domain)
