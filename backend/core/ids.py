"""Identifiers made in Python: time-ordered UUIDs (RFC 9562, version 7) and secrets with their stored hash."""

import hashlib
import secrets
import uuid

import uuid6

SECRET_BYTES = 32


def new_id() -> uuid.UUID:
    """Return a new time-ordered UUID, as the standard library's type (drivers refuse subclasses)."""
    return uuid.UUID(int=uuid6.uuid7().int)


def new_secret() -> str:
    """Return a URL-safe random secret of 256 bits."""
    return secrets.token_urlsafe(SECRET_BYTES)


def hash_secret(secret: str) -> str:
    """Return the SHA-256 that is stored instead of a random secret (64 hexadecimal characters)."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()
