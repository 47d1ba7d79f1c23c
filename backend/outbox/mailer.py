"""Sends mails in the background, after the commit; its log never holds an address, a name or a link."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from email.message import EmailMessage
from uuid import UUID

import aiosmtplib
from email_validator import EmailNotValidError
from jinja2 import UndefinedError

from backend.core.clock import Clock, utc_now
from backend.core.ending import cancel
from backend.core.settings import Settings
from backend.outbox.mail import Mail, render, sender_domain
from backend.telemetry.logs import get_logger
from backend.telemetry.metrics import Metrics

log = get_logger("filage.mail")

CONNECTIONS = 4  # at once, so that a season's invitations do not look like an attack to the mail server
TIMEOUT_SECONDS = 15.0
PAUSES_SECONDS = (1.0, 5.0)
_REFUSED_FOR_GOOD = range(500, 600)


class MailRefusedError(Exception):
    """A mail that was not taken, this time or (`for_good`) ever; says why without an address."""

    def __init__(self, reason: str, *, for_good: bool) -> None:
        super().__init__(reason)
        self.reason = reason
        self.for_good = for_good


class Mailer:
    """Hands mails to the SMTP server of the settings, or writes them under `mail_dir` where there is none.

    A mail is tried once more after each of `pauses` (seconds); a refusal for good (SMTP 5xx) is not tried again.
    """

    def __init__(
        self, settings: Settings, metrics: Metrics, *, clock: Clock = utc_now, pauses: Sequence[float] = PAUSES_SECONDS
    ) -> None:
        self.settings = settings
        self.metrics = metrics
        self.clock = clock
        self.pauses = pauses
        self.tasks: set[asyncio.Task[None]] = set()
        self.goodbyes: set[asyncio.Task[None]] = set()
        self.connections = asyncio.Semaphore(CONNECTIONS)

    def deliver(self, items: Sequence[object]) -> None:
        """Start sending each mail among `items`, without waiting; needs a running loop."""
        for item in items:
            if isinstance(item, Mail):
                task = asyncio.get_running_loop().create_task(self.send(item), name=f"mail {item.kind}")
                self.tasks.add(task)
                task.add_done_callback(self._forget)

    async def send(self, mail: Mail) -> None:
        """Send or write one mail and count what became of it; a mail server that refuses raises nothing here."""
        outcome = "failed"
        try:
            message = render(mail, self.settings, self.clock())
            outcome = await self._try_until_taken(mail, message)
        finally:
            self.metrics.mails.labels(mail.kind, outcome).inc()
            await asyncio.gather(*self.goodbyes)

    async def send_once(self, mail: Mail) -> None:
        """Try one mail once. Raises MailRefusedError; whoever calls decides whether to try again.

        It returns as soon as the server has taken the mail (QUIT follows by itself): the less there is between that
        moment and its being recorded, the fewer mails are sent twice by a worker that was killed.
        """
        try:
            message = render(mail, self.settings, self.clock())
        except (EmailNotValidError, UndefinedError) as error:
            raise MailRefusedError(type(error).__name__, for_good=True) from None
        outcome = await self._try(mail, message)
        self.metrics.mails.labels(mail.kind, outcome).inc()

    async def drain(self, timeout: float) -> None:  # noqa: ASYNC109 - what is late is counted, not raised
        """Wait up to `timeout` seconds for what is under way; give up the rest and log how many that were."""
        if self.tasks:
            _, late = await asyncio.wait(self.tasks, timeout=timeout)
            await cancel(late)
            # The server may have taken one at that very moment: then it is sent, and not cancelled.
            unsent = sum(task.cancelled() for task in late)
            if unsent:
                log.warning("mails_not_sent", count=unsent)
        await asyncio.gather(*self.goodbyes)

    def _forget(self, task: asyncio.Task[None]) -> None:
        self.tasks.discard(task)
        # Asked for here, the error is not printed by asyncio, whose text could hold the address.
        error = None if task.cancelled() else task.exception()
        if error is not None:
            log.error("mail_broken", task=task.get_name(), reason=type(error).__name__)

    async def _try_until_taken(self, mail: Mail, message: EmailMessage) -> str:
        reason = ""
        for number, pause in enumerate([0.0, *self.pauses], start=1):
            await asyncio.sleep(pause)
            try:
                outcome = await self._try(mail, message)
            except MailRefusedError as error:
                reason = error.reason
                if error.for_good:
                    break
            else:
                log.info("mail", kind=mail.kind, outcome=outcome, tries=number)
                return outcome
        log.error("mail", kind=mail.kind, outcome="failed", tries=number, reason=reason)
        return "failed"

    async def _try(self, mail: Mail, message: EmailMessage) -> str:
        try:
            if self.settings.smtp_host is None:
                await asyncio.to_thread(self._write, mail.id, message.as_bytes())
                return "written"
            async with self.connections:
                await self._send_by_smtp(self.settings.smtp_host, message)
        except (aiosmtplib.SMTPException, OSError) as error:
            code = _smtp_code(error)
            for_good = code in _REFUSED_FOR_GOOD or isinstance(error, aiosmtplib.SMTPNotSupported)
            raise MailRefusedError(f"{type(error).__name__} {code or ''}".strip(), for_good=for_good) from None
        return "sent"

    async def _send_by_smtp(self, host: str, message: EmailMessage) -> None:
        settings = self.settings
        password = settings.smtp_password
        client = aiosmtplib.SMTP(
            hostname=host,
            port=settings.smtp_port,
            username=settings.smtp_username,
            password=None if password is None else password.get_secret_value(),
            use_tls=settings.smtp_tls == "tls",
            start_tls=settings.smtp_tls == "starttls",
            local_hostname=sender_domain(settings),
            timeout=TIMEOUT_SECONDS,
        )
        try:
            await client.connect()
            await client.send_message(message)
        except BaseException:
            client.close()
            raise
        goodbye = asyncio.get_running_loop().create_task(_say_goodbye(client))
        self.goodbyes.add(goodbye)
        goodbye.add_done_callback(self.goodbyes.discard)

    def _write(self, name: UUID, content: bytes) -> None:
        """Write one .eml file, named by the mail's id and readable by its owner alone: it may hold a link."""
        folder = self.settings.mail_dir
        folder.mkdir(parents=True, exist_ok=True)
        final = folder / f"{name}.eml"
        partial = final.with_suffix(".partial")
        try:
            partial.touch(mode=0o600)
            partial.write_bytes(content)
            partial.replace(final)
        finally:
            with suppress(FileNotFoundError):
                partial.unlink()


async def _say_goodbye(client: aiosmtplib.SMTP) -> None:
    with suppress(aiosmtplib.SMTPException, OSError):
        await client.quit()
    client.close()


def _smtp_code(error: Exception) -> int | None:
    """Return the server's answer; of several refused recipients, the first one's (a mail has one)."""
    if isinstance(error, aiosmtplib.SMTPRecipientsRefused) and error.recipients:
        return error.recipients[0].code
    return error.code if isinstance(error, aiosmtplib.SMTPResponseException) else None
