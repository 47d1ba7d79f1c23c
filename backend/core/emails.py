"""The one form in which an e-mail address is stored and compared; nothing is asked of the network."""

import unicodedata

from email_validator import EmailNotValidError, validate_email


def normalise_email(text: str) -> str:
    """Return `text` as it is stored: surrounding spaces off, all of it lower case, the domain in NFKC.

    The part before the @ is lower-cased too: no mail service in use tells `Anne@` from `anne@`, and two accounts for
    one person are worse than the rare exception. Raises ValueError when the address is malformed.
    """
    try:
        found = validate_email(text.strip(), check_deliverability=False)
    except EmailNotValidError as error:
        raise ValueError(str(error)) from None
    local = unicodedata.normalize("NFC", found.local_part.lower())
    domain = unicodedata.normalize("NFKC", found.domain.lower())
    return f"{local}@{domain}"
