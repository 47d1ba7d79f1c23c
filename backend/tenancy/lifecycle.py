"""A company's life as operators change it: suspended, resumed, renamed. Every process refuses or follows at once."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import delete, or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from backend.core.errors import ConflictError, FieldError, InvalidError, NotFoundError, Sentence
from backend.tenancy import names
from backend.tenancy.announcing import announce
from backend.tenancy.models import Company, CompanyStatus, FormerSlug

# A link to the old address must not lead to another company while people still use it.
KEPT_FREE_FOR = timedelta(days=365)


async def suspend(session: AsyncSession, slug: str) -> Company:
    """Stop serving a company; its data stays. Raises NotFoundError."""
    return await _set_status(session, slug, CompanyStatus.SUSPENDED)


async def resume(session: AsyncSession, slug: str) -> Company:
    """Serve a suspended company again. Raises NotFoundError."""
    return await _set_status(session, slug, CompanyStatus.ACTIVE)


async def rename(session: AsyncSession, slug: str, new: str, now: datetime) -> Company:
    """Give a company another slug; the old one is kept free for a year, so that no link leads elsewhere.

    Raises NotFoundError; InvalidError `slug_invalid`, `slug_reserved`; ConflictError `slug_taken`.
    """
    company = await _company(session, slug)
    wanted = check_slug(new)
    if wanted == slug:
        return company
    if await is_taken(session, wanted, now, but=company.id):
        raise slug_taken()
    await session.execute(delete(FormerSlug).where(FormerSlug.slug.in_([wanted, slug])))
    session.add(FormerSlug(slug=slug, company_id=company.id, kept_until=now + KEPT_FREE_FOR))
    company.slug = wanted
    try:
        await session.flush()
    except IntegrityError as error:
        raise slug_taken() from error
    await announce(session, slug, wanted)
    return company


async def is_taken(session: AsyncSession, slug: str, now: datetime, *, but: UUID | None = None) -> bool:
    """Tell whether another company has `slug`, or had it lately."""
    has = select(Company.id).where(Company.slug == slug)
    had = select(FormerSlug.company_id).where(FormerSlug.slug == slug, FormerSlug.kept_until > now)
    if but is not None:
        had = had.where(FormerSlug.company_id != but)
    return (await session.scalar(select(or_(has.exists(), had.exists())))) is True


def check_slug(text: str) -> str:
    """Return `text` as a slug; refuses malformed and reserved ones (422 `slug_invalid`, `slug_reserved`)."""
    slug = names.normalise_slug(text)
    if not names.is_slug(slug):
        raise _refused(names.SLUG_RULE, "slug_invalid")
    if names.is_reserved(slug):
        raise _refused(names.SLUG_RESERVED, "slug_reserved")
    return slug


def slug_taken() -> ConflictError:
    """Return the refusal of a slug that another company has, or had lately."""
    return ConflictError(
        "slug_taken",
        Sentence(
            "Cette adresse courte est déjà prise : choisissez-en une autre.",
            "This slug is already taken: choose another one.",
        ),
    )


def _refused(sentence: Sentence, code: str) -> InvalidError:
    return InvalidError(sentence, [FieldError(["body", "slug"], sentence, code)], code=code)


async def _set_status(session: AsyncSession, slug: str, status: CompanyStatus) -> Company:
    company = await _company(session, slug)
    company.status = status
    await session.flush()
    await announce(session, slug)
    return company


async def _company(session: AsyncSession, slug: str) -> Company:
    found: Company | None = await session.scalar(select(Company).where(Company.slug == slug).with_for_update())
    if found is None:
        raise no_company(slug)
    return found


def no_company(slug: str) -> NotFoundError:
    """Return the refusal of a slug that no company has: for operators, who may know."""
    return NotFoundError(
        "tenant_not_found", Sentence(f"Aucune compagnie n'a l'adresse « {slug} ».", f"No company has slug {slug!r}.")
    )
