"""Names of a company: the slug people type, and the schema and role made from its immutable number."""

import re
import secrets
import unicodedata

from backend.core.errors import Sentence

SLUG_MINIMUM, SLUG_MAXIMUM = 3, 40
SLUG_PATTERN = r"[a-z][a-z0-9-]{1,38}[a-z0-9]"
_SLUG = re.compile(SLUG_PATTERN)
_RESERVED_PREFIXES = ("pg-", "pg_", "xn--", "t-", "t_")
_RESERVED = frozenset(
    """
    about account accounts admin administrator alembic api apps assets auth billing blog calendar cdn company companies
    dashboard demo-admin dev docs email filage ftp grafana health help imap information-schema information_schema
    internal invitations localhost login logout mail metrics mx news ns1 ns2 null openapi owner pop postgres postmaster
    prod production prometheus public redoc register root security shared signup sign-up smtp staging static status
    support system test undefined webmail www
    """.split()
)

SLUG_RULE = Sentence(
    "L'adresse courte a de 3 à 40 caractères : lettres minuscules sans accent, chiffres et tirets ; "
    "elle commence par une lettre et finit par une lettre ou un chiffre.",
    "The slug has 3 to 40 characters: lower-case letters without accents, digits and hyphens; "
    "it begins with a letter and ends with a letter or a digit.",
)
SLUG_RESERVED = Sentence(
    "Cette adresse courte est réservée : choisissez-en une autre.",
    "This slug is reserved: choose another one.",
)


def normalise_slug(text: str) -> str:
    """Return `text` in the one form that is stored and compared (NFKC: full-width letters and the like fold)."""
    return unicodedata.normalize("NFKC", text).strip()


def is_slug(text: str) -> bool:
    """Tell whether `text` is well-formed: ASCII only, so no look-alike letter passes."""
    return _SLUG.fullmatch(text) is not None and "--" not in text


def is_reserved(slug: str) -> bool:
    """Tell whether `slug` is kept for the product itself."""
    return slug in _RESERVED or slug.startswith(_RESERVED_PREFIXES)


def suggest_slug(name: str) -> str:
    """Return a well-formed slug made from a company's name; not checked for being free."""
    folded = unicodedata.normalize("NFKD", name.replace("œ", "oe").replace("Œ", "oe").replace("æ", "ae"))
    ascii_name = folded.encode("ascii", "ignore").decode().lower()
    slug = re.sub(r"[^a-z0-9]+", "-", ascii_name).strip("-")
    slug = re.sub(r"^[^a-z]+", "", slug)[:SLUG_MAXIMUM].rstrip("-")
    if len(slug) < SLUG_MINIMUM or is_reserved(slug):
        slug = f"compagnie-{slug}".rstrip("-")[:SLUG_MAXIMUM].rstrip("-")
    return slug


def schema_name(number: int) -> str:
    """Return the schema of company `number`: never from the slug, which changes."""
    return f"t_{number:06d}"


def role_name(installation: str, number: int) -> str:
    """Return the role of company `number`: roles are cluster-wide, so the installation's id comes first."""
    return f"{installation}_{schema_name(number)}"


def companies_role(installation: str) -> str:
    """Return the group of all companies' roles of one installation: it holds their few rights in `shared`."""
    return f"{installation}_companies"


def new_installation() -> str:
    """Return a random installation id: a letter first, since it begins role names."""
    return f"f{secrets.token_hex(4)}"
