"""Every mail of the product as a message: what it says, in which language, and what a name cannot do to it."""

from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any, get_args

import pytest
from jinja2 import UndefinedError

from backend.core.settings import Settings
from backend.outbox.mail import Language, Mail, MailKind, render

NOW = datetime(2026, 11, 25, 9, 30, tzinfo=UTC)
CONTEXT: dict[MailKind, dict[str, Any]] = {
    MailKind.INVITATION: {
        "company": "Compagnie de l'Été",
        "inviter": "Zoé Martin",
        "role": "régisseuse générale",
        "accept_url": "https://filage.test/invitation?token=abc&lang=fr",
        "expires_at": "2 décembre 2026 à 18 h",
    },
    MailKind.VERIFICATION: {"name": "Zoé Martin", "verify_url": "https://filage.test/verify?token=abc&x=1"},
    MailKind.PASSWORD_RESET: {"name": "Zoé Martin", "reset_url": "https://filage.test/reset?token=abc&x=1"},
}
PLANNED = {
    "name": "Zoé",
    "company": "Compagnie de l'Été",
    "contact": "Anne d'Arc (anne@example.org)",
    "me_url": "https://filage.test/me?x=1&y=2",
    "said": "Une semaine avec nous ?",
    "answered": "",
    "items": [
        {"head": "La Mouette – Répétition", "lines": ["lundi 3 mars 2031, de 10 h à 13 h", "L'Atelier, Nantes"]},
        {"head": "La Mouette – Filage", "lines": ["mardi 4 mars 2031, de 14 h à 18 h"]},
    ],
}
CONTEXT |= {kind: PLANNED for kind in MailKind if kind not in CONTEXT}
EVERY_MAIL = [(kind, language) for kind in MailKind for language in get_args(Language)]


def sent(mail: Mail, **settings: Any) -> EmailMessage:
    """Return the message as the other side reads it from the wire."""
    content = render(mail, Settings(_env_file=None, **settings), NOW).as_bytes()
    message = message_from_bytes(content, policy=default)
    assert isinstance(message, EmailMessage)
    return message


def mail(
    kind: MailKind = MailKind.INVITATION, language: Language = "fr", to: str = "zoe@example.org", **more: str
) -> Mail:
    return Mail(kind, to, language, {**CONTEXT[kind], **more})


def words(value: Any) -> list[str]:
    """Return every text of a context, whatever holds it."""
    if isinstance(value, str):
        return [value]
    return [word for each in (value.values() if isinstance(value, dict) else value) for word in words(each)]


def part(message: EmailMessage, subtype: str) -> str:
    found = message.get_body((subtype,))
    assert found is not None
    return str(found.get_content()).replace("\r\n", "\n")


@pytest.mark.parametrize(("kind", "language"), EVERY_MAIL)
def test_a_mail_says_all_it_was_given_in_text_and_in_html(kind: MailKind, language: Language) -> None:
    message = sent(mail(kind, language))
    assert message.get_content_type() == "multipart/alternative"
    assert [p.get_content_type() for p in message.iter_parts()] == ["text/plain", "text/html"]
    text, markup = part(message, "plain"), part(message, "html")
    for value in words(CONTEXT[kind]):
        assert value in text
        assert value.replace("&", "&amp;").replace("'", "&#39;") in markup
    assert f'<html lang="{language}">' in markup
    assert "{" not in text + markup.replace("{{", "")


@pytest.mark.parametrize(("kind", "language"), EVERY_MAIL)
def test_a_mail_has_the_headers_of_an_automatic_message(kind: MailKind, language: Language) -> None:
    message = sent(mail(kind, language), mail_from="Filage Été <planning@filage.test>")
    assert message["Subject"].strip()
    assert message["From"] == "Filage Été <planning@filage.test>"
    assert message["To"] == "zoe@example.org"
    assert message["Date"].datetime == NOW
    assert message["Message-ID"].endswith("@filage.test>")
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Content-Language"] == language


@pytest.mark.parametrize(
    ("language", "what_if_not", "greeting"), [("fr", "Laissez", "Bonjour"), ("en", "Leave", "Hello")]
)
@pytest.mark.parametrize("kind", MailKind)
def test_a_mail_says_what_happens_if_one_did_nothing(
    kind: MailKind, language: Language, what_if_not: str, greeting: str
) -> None:
    text = part(sent(mail(kind, language)), "plain")
    assert text.startswith(greeting)
    assert what_if_not in text


def test_two_mails_have_two_ids() -> None:
    assert sent(mail())["Message-ID"] != sent(mail())["Message-ID"]


def test_names_are_words_in_the_html_part() -> None:
    message = sent(mail(company='<img src=x onerror="alert(1)">', accept_url='https://a.test/"><script>'))
    markup = part(message, "html")
    assert "<img" not in markup
    assert "<script" not in markup
    assert "&lt;img src=x onerror=&#34;alert(1)&#34;&gt;" in markup
    assert '<img src=x onerror="alert(1)">' in part(message, "plain")


@pytest.mark.parametrize("end_of_line", ["\r\n", "\n", "\r", "\x0b", "\x85", "\u2028", "\r\n "])
def test_a_name_cannot_add_a_header_or_a_paragraph(end_of_line: str) -> None:
    evil = f"Rampe{end_of_line}Bcc: all@example.org{end_of_line}{end_of_line}Votre compte est bloqué"
    message = sent(mail(company=evil, inviter=evil))
    assert message["Bcc"] is None
    assert message["Subject"] == "Rampe Bcc: all@example.org Votre compte est bloqué vous invite sur Filage"
    assert not any(line.startswith(("Bcc", "Votre compte")) for line in part(message, "plain").splitlines())


@pytest.mark.parametrize("name", ["\x00", "\ud800", "🎭" * 200, "\u202e", "", "{{ 7 * 7 }}", "{% raise %}"])
def test_any_name_can_be_mailed(name: str) -> None:
    message = sent(mail(company=name, inviter=name))
    assert message["Subject"].endswith("vous invite sur Filage")
    assert "49" not in part(message, "plain")


@pytest.mark.parametrize("name", ["WIN http://spam.test", "www.spam.test", "spam.test/x", "write to me@spam.test"])
@pytest.mark.parametrize("kind", [MailKind.VERIFICATION, MailKind.PASSWORD_RESET])
def test_a_name_that_would_become_a_link_is_not_passed_on(kind: MailKind, name: str) -> None:
    message = sent(mail(kind, name=name))
    assert part(message, "plain").startswith("Bonjour,\n")
    assert "spam" not in message.as_string()


@pytest.mark.parametrize(
    ("to", "header"),
    [
        ("zoé@example.org", "zoé@example.org"),
        ("zoe@théâtre.example.org", "zoe@xn--thtre-4qa2c.example.org"),
        ("zoé@théâtre.example.org", "zoé@xn--thtre-4qa2c.example.org"),
    ],
)
def test_an_address_with_accents_is_kept_and_its_domain_put_into_ascii(to: str, header: str) -> None:
    assert sent(mail(to=to))["To"] == header


@pytest.mark.parametrize(
    "to", ["", "nobody", "a@b@c", "zoe@example.org\r\nBcc: all@example.org", "a@example.org, b@example.org"]
)
def test_an_address_that_is_none_is_refused(to: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        sent(mail(to=to))


def test_a_missing_word_is_refused_and_never_left_blank() -> None:
    with pytest.raises(UndefinedError, match="accept_url"):
        sent(
            Mail(
                MailKind.INVITATION,
                "zoe@example.org",
                "fr",
                {"company": "x", "inviter": "y", "role": "z", "expires_at": "t"},
            )
        )


@pytest.mark.parametrize("kind", [MailKind.OFFERED, MailKind.EXPIRING, MailKind.PROMOTED])
@pytest.mark.parametrize(
    ("language", "no_promise", "pay"),
    [("fr", "pas un engagement", ("cachet", "salaire", "€")), ("en", "no engagement", ("fee", "pay", "€"))],
)
def test_an_option_promises_nothing_and_shows_no_pay(
    kind: MailKind, language: Language, no_promise: str, pay: tuple[str, ...]
) -> None:
    text = part(sent(mail(kind, language)), "plain")
    assert no_promise in text
    assert [word for word in pay if word in text.lower()] == []


@pytest.mark.parametrize("kind", [MailKind.CONFIRMED, MailKind.CHANGED, MailKind.CANCELLED, MailKind.EVE])
@pytest.mark.parametrize(
    ("language", "untrue", "footer"),
    [
        ("fr", "rien n'est engagé", "ou dites-le à la compagnie"),
        ("en", "nothing is engaged", "or tell the company"),
    ],
)
def test_whoever_may_be_engaged_is_never_told_that_nothing_is(
    kind: MailKind, language: Language, untrue: str, footer: str
) -> None:
    for subtype in ("plain", "html"):
        text = part(sent(mail(kind, language)), subtype).replace("&#39;", "'")
        assert untrue not in text
        assert footer in text


def test_a_reminder_counts_the_options_that_expire() -> None:
    several = sent(mail(MailKind.EXPIRING))
    assert several["Subject"] == "2 options de Compagnie de l'Été expirent bientôt"
    assert "ces 2 options de Compagnie de l'Été, qui expirent bientôt" in part(several, "plain").replace("\n", " ")
    one = sent(Mail(MailKind.EXPIRING, "zoe@example.org", "en", PLANNED | {"items": [{"head": "A", "lines": []}]}))
    assert one["Subject"] == "An option of Compagnie de l'Été expires soon"


def test_whoever_has_no_account_is_told_whom_to_write_to_and_given_no_link() -> None:
    text = part(sent(mail(MailKind.OFFERED, me_url="")), "plain")
    assert "http" not in text
    assert "Écrivez à Anne d'Arc (anne@example.org)." in text


def test_guillemets_are_never_parted_from_what_they_enclose() -> None:
    lines = ["« Une semaine ? »", "«\u202fDéjà collé\u202f»", "«Sans rien»"]
    message = sent(
        Mail(MailKind.OFFERED, "zoe@example.org", "fr", PLANNED | {"items": [{"head": "A", "lines": lines}]})
    )
    for subtype in ("plain", "html"):
        found = part(message, subtype)
        assert "«\u00a0Une semaine ?\u00a0»" in found
        assert "«\u00a0Déjà collé\u00a0»" in found
        assert "«Sans rien»" in found
