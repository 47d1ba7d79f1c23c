"""Payloads of tasks, encrypted and bound to their task and company: a table of tasks holds no link, no address.

The key is derived from the secret of the settings. What another secret has sealed, or what belongs to another task or
company, is refused: whoever can write into the queue still cannot make a mail.
"""

import base64
import json
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF


class SealError(ValueError):
    """A payload that was not sealed here, for this task of this company."""


class Seal:
    """Seals and opens payloads with one secret."""

    def __init__(self, secret: str) -> None:
        key = HKDF(SHA256(), length=32, salt=None, info=b"filage task payload").derive(secret.encode())
        self._cipher = Fernet(base64.urlsafe_b64encode(key))

    def close(self, task: str, company: UUID | None, payload: Mapping[str, Any]) -> str:
        """Return `payload` as a token that opens for `task` of `company` only."""
        return self._cipher.encrypt(json.dumps([task, _text(company), dict(payload)]).encode()).decode()

    def open(self, task: str, company: UUID | None, token: str) -> dict[str, Any]:
        """Return what was sealed. Raises SealError."""
        try:
            whose_task, whose, payload = json.loads(self._cipher.decrypt(token.encode()))
        except (InvalidToken, UnicodeEncodeError):
            raise SealError("sealed with another FILAGE_SECRET_KEY, or not by Filage") from None
        if (whose_task, whose) != (task, _text(company)):
            raise SealError("sealed for another task or company")
        found: dict[str, Any] = payload
        return found


def _text(company: UUID | None) -> str | None:
    return None if company is None else str(company)
