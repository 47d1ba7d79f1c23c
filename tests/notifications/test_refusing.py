"""Why a mail was refused is read in words, whichever way it was."""

import pytest

from backend.notifications.refusing import in_words


@pytest.mark.parametrize(
    ("reason", "fr", "en"),
    [
        ("SMTPRecipientsRefused 550", "L'adresse a été refusée par le serveur de messagerie (550).",
         "The address was refused by the mail server (550)."),
        # Of what it says or where it comes from: the address may be right.
        ("SMTPDataError 550", "Le serveur de messagerie a refusé le message (550).",
         "The mail server refused the message (550)."),
        ("SMTPSenderRefused 553",
         "Le serveur de messagerie n'a pas accepté Filage : prévenez qui exploite Filage (553).",
         "The mail server did not accept Filage: tell whoever operates Filage (553)."),
        ("SMTPRecipientsRefused 521", "L'adresse a été refusée par le serveur de messagerie (521).",
         "The address was refused by the mail server (521)."),
        ("SMTPRecipientsRefused 450", "Le serveur de messagerie n'a pas pris le message pour l'instant (450).",
         "The mail server did not take the message for now (450)."),
        ("SMTPDataError 554", "Le serveur de messagerie a refusé le message (554).",
         "The mail server refused the message (554)."),
        ("SMTPAuthenticationError 535",
         "Le serveur de messagerie n'a pas accepté Filage : prévenez qui exploite Filage (535).",
         "The mail server did not accept Filage: tell whoever operates Filage (535)."),
        ("ConnectionRefusedError", "Le serveur de messagerie n'a pas répondu.", "The mail server did not answer."),
        ("EmailNotValidError", "L'adresse n'est pas valable : corrigez-la dans l'annuaire.",
         "The address is not valid: correct it in the directory."),
    ],
)  # fmt: skip
def test_each_refusal_is_a_sentence_with_the_servers_code(reason: str, fr: str, en: str) -> None:
    found = in_words(reason)
    assert (found.fr, found.en) == (fr, en)
