"""Mails on their way, against a real SMTP server on the loopback: sent, tried again, given up, or written as files."""

import asyncio
import stat
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from backend.core.settings import Settings
from backend.outbox.mail import Mail, MailKind
from backend.outbox.mailer import Mailer
from backend.telemetry.metrics import Metrics
from tests.smtp import free_port, smtp_server

LINK = "https://filage.test/verify?token=canary-token"
MAIL = Mail(MailKind.VERIFICATION, "canary@example.org", "fr", {"name": "Canary Martin", "verify_url": LINK})


class Post:
    """A mail server's answers: the first ones as told, then it takes every mail and keeps it."""

    def __init__(self, *answers: str, seconds: float = 0) -> None:
        self.answers = list(answers)
        self.seconds = seconds
        self.tries = 0
        self.envelopes: list[Any] = []

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
        self.tries += 1
        await asyncio.sleep(self.seconds)
        if self.answers:
            return self.answers.pop(0)
        self.envelopes.append(envelope)
        return "250 taken"


def files(folder: Path) -> list[Path]:
    return sorted((folder / "mail").glob("*"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "var"


@pytest.fixture
def a_file(tmp_path: Path) -> Path:
    """Return a path where a folder is expected and a file stands."""
    path = tmp_path / "file"
    path.write_text("no folder", encoding="utf-8")
    return path


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


def mailer(folder: Path, metrics: Metrics, port: int | None = None, **settings: Any) -> Mailer:
    smtp = {} if port is None else {"smtp_host": "127.0.0.1", "smtp_port": port, "smtp_tls": "none"}
    return Mailer(Settings(_env_file=None, var_dir=folder, **{**smtp, **settings}), metrics, pauses=(0.01, 0.02))


def counted(metrics: Metrics) -> dict[tuple[str, str], float]:
    return {
        (sample.labels["kind"], sample.labels["outcome"]): sample.value
        for family in metrics.mails.collect()
        for sample in family.samples
        if sample.name.endswith("_total")
    }


async def test_a_mail_arrives_with_both_parts(folder: Path, metrics: Metrics) -> None:
    post = Post()
    with smtp_server(post) as port:
        await mailer(folder, metrics, port).send(MAIL)
    (envelope,) = post.envelopes
    assert envelope.mail_from == "ne-pas-repondre@filage.localhost"
    assert envelope.rcpt_tos == ["canary@example.org"]
    message = message_from_bytes(envelope.content, policy=default)
    assert isinstance(message, EmailMessage)
    parts = {part.get_content_type(): part.get_content() for part in message.iter_parts()}
    assert set(parts) == {"text/plain", "text/html"}
    assert LINK in parts["text/plain"]
    assert LINK in parts["text/html"]
    assert "Bonjour Canary Martin," in parts["text/plain"]
    assert counted(metrics) == {("verification", "sent"): 1}
    assert files(folder) == []


async def test_an_address_with_accents_arrives(folder: Path, metrics: Metrics) -> None:
    post = Post()
    with smtp_server(post) as port:
        await mailer(folder, metrics, port).send(Mail(MAIL.kind, "zoé@théâtre.example.org", "fr", MAIL.context))
    assert post.envelopes[0].rcpt_tos == ["zoé@xn--thtre-4qa2c.example.org"]


async def test_a_busy_server_is_asked_again(folder: Path, metrics: Metrics) -> None:
    post = Post("451 come back later", "451 come back later")
    with smtp_server(post) as port:
        await mailer(folder, metrics, port).send(MAIL)
    assert (post.tries, len(post.envelopes)) == (3, 1)
    assert counted(metrics) == {("verification", "sent"): 1}


async def test_after_three_tries_a_mail_is_given_up_and_counted(folder: Path, metrics: Metrics) -> None:
    post = Post(*["451 come back later"] * 5)
    with smtp_server(post) as port:
        await mailer(folder, metrics, port).send(MAIL)
    assert (post.tries, len(post.envelopes)) == (3, 0)
    assert counted(metrics) == {("verification", "failed"): 1}


async def test_a_refusal_for_good_is_not_tried_again(folder: Path, metrics: Metrics) -> None:
    post = Post("554 no such mail here")
    with smtp_server(post) as port:
        await mailer(folder, metrics, port).send(MAIL)
    assert post.tries == 1
    assert counted(metrics) == {("verification", "failed"): 1}


async def test_a_server_that_is_away_counts_as_failed(folder: Path, metrics: Metrics) -> None:
    await mailer(folder, metrics, free_port()).send(MAIL)
    assert counted(metrics) == {("verification", "failed"): 1}


async def test_a_server_without_tls_gets_nothing_when_tls_is_asked_for(folder: Path, metrics: Metrics) -> None:
    post = Post()
    with smtp_server(post) as port:
        await mailer(folder, metrics, port, smtp_tls="starttls").send(MAIL)
    assert post.tries == 0
    assert counted(metrics) == {("verification", "failed"): 1}


async def test_a_request_does_not_wait_for_a_slow_server(folder: Path, metrics: Metrics) -> None:
    post = Post(seconds=0.3)
    with smtp_server(post) as port:
        sender = mailer(folder, metrics, port)
        sender.deliver([MAIL, MAIL, "something else"])
        assert counted(metrics) == {}
        await sender.drain(5)
    assert len(post.envelopes) == 2
    assert counted(metrics) == {("verification", "sent"): 2}
    assert not sender.tasks


async def test_what_is_late_at_shutdown_is_given_up_and_said(folder: Path, metrics: Metrics) -> None:
    post = Post(seconds=3)
    with smtp_server(post) as port, capture_logs() as lines:
        sender = mailer(folder, metrics, port)
        sender.deliver([MAIL, MAIL])
        await sender.drain(0.05)
    assert {"event": "mails_not_sent", "count": 2, "log_level": "warning"} in lines
    assert counted(metrics) == {("verification", "failed"): 2}


async def test_nothing_to_drain_is_no_news(folder: Path, metrics: Metrics) -> None:
    with capture_logs() as lines:
        await mailer(folder, metrics).drain(1)
    assert lines == []


async def test_without_a_server_a_mail_becomes_a_file(folder: Path, metrics: Metrics) -> None:
    sender = mailer(folder, metrics)
    sender.deliver([MAIL])
    await sender.drain(5)
    (path,) = files(folder)
    message = message_from_bytes(path.read_bytes(), policy=default)
    assert message["To"] == "canary@example.org"
    assert path.suffix == ".eml"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert counted(metrics) == {("verification", "written"): 1}


async def test_names_of_files_follow_time_and_hold_nothing_of_the_mail(folder: Path, metrics: Metrics) -> None:
    sender = mailer(folder, metrics)
    for number in range(20):
        await sender.send(Mail(MAIL.kind, f"canary+{number}@example.org", "fr", MAIL.context))
    paths = files(folder)
    found = [message_from_bytes(path.read_bytes(), policy=default)["To"] for path in paths]
    assert found == [f"canary+{number}@example.org" for number in range(20)]
    assert not any("canary" in path.name for path in paths)


async def test_a_folder_that_cannot_be_written_counts_as_failed(a_file: Path, metrics: Metrics) -> None:
    await mailer(a_file, metrics).send(MAIL)
    assert counted(metrics) == {("verification", "failed"): 1}


async def test_a_mail_that_cannot_be_made_is_counted_and_disturbs_nobody(folder: Path, metrics: Metrics) -> None:
    sender = mailer(folder, metrics)
    with capture_logs() as lines:
        sender.deliver([Mail(MAIL.kind, "canary, not an address", "fr", MAIL.context), MAIL])
        await sender.drain(5)
    assert counted(metrics) == {("verification", "failed"): 1, ("verification", "written"): 1}
    assert [line["reason"] for line in lines if line["event"] == "mail_broken"] == ["EmailSyntaxError"]


@pytest.mark.parametrize("answers", [[], ["451 canary@example.org waits"], ["554 canary@example.org is unknown"]])
async def test_the_log_holds_no_address_name_or_link(folder: Path, metrics: Metrics, answers: list[str]) -> None:
    with smtp_server(Post(*answers)) as port, capture_logs() as lines:
        await mailer(folder, metrics, port).send(MAIL)
    assert [line["event"] for line in lines] == ["mail"]
    assert "canary" not in str(lines).lower()
