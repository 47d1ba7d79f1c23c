"""Why a mail was refused, in words: what the log keeps is what operators look for, and planners read a sentence."""

from backend.core.errors import Sentence

_OF_THE_ADDRESS = frozenset({"SMTPRecipientsRefused", "SMTPRecipientRefused"})
_OF_FILAGE = frozenset({"SMTPAuthenticationError", "SMTPHeloError", "SMTPSenderRefused"})
_NOT_OF_THE_SERVER = {
    "EmailNotValidError": Sentence(
        "L'adresse n'est pas valable : corrigez-la dans l'annuaire.",
        "The address is not valid: correct it in the directory.",
    ),
    "SMTPNotSupported": Sentence(
        "Le serveur de messagerie ne sait pas écrire à cette adresse.",
        "The mail server cannot write to this address.",
    ),
    "UndefinedError": Sentence(
        "Le message n'a pas pu être rédigé : prévenez qui exploite Filage.",
        "The message could not be written: tell whoever operates Filage.",
    ),
}


def in_words(reason: str) -> Sentence:
    """Return the sentence for a refusal of the mailer ("SMTPDataError 554"); the server's code follows in brackets."""
    name, _, code = reason.partition(" ")
    known = _NOT_OF_THE_SERVER.get(name)
    if known is not None:
        return known
    said = _said(name, code)
    return said if not code else Sentence(f"{said.fr[:-1]} ({code}).", f"{said.en[:-1]} ({code}).")


def _said(name: str, code: str) -> Sentence:
    if name in _OF_FILAGE:
        return Sentence(
            "Le serveur de messagerie n'a pas accepté Filage : prévenez qui exploite Filage.",
            "The mail server did not accept Filage: tell whoever operates Filage.",
        )
    if code.startswith("4"):
        return Sentence(
            "Le serveur de messagerie n'a pas pris le message pour l'instant.",
            "The mail server did not take the message for now.",
        )
    if name in _OF_THE_ADDRESS:
        return Sentence(
            "L'adresse a été refusée par le serveur de messagerie.", "The address was refused by the mail server."
        )
    if code:
        return Sentence("Le serveur de messagerie a refusé le message.", "The mail server refused the message.")
    return Sentence("Le serveur de messagerie n'a pas répondu.", "The mail server did not answer.")
