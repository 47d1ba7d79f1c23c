"""Which kinds of messages a person wants, from whichever company; no company reads it."""

from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from backend.core.preconditions import check_version
from backend.core.resources import sent
from backend.identity.models import User
from backend.notifications.models import MessagePreference
from backend.notifications.schemas import Preferences, PreferencesChange
from backend.planning.models import NoticeKind

KINDS = tuple(kind.value for kind in NoticeKind)


async def unwanted_by(session: AsyncSession, user_id: UUID) -> frozenset[str]:
    """Return the kinds that a person does not want."""
    query = select(MessagePreference.kind).where(
        MessagePreference.user_id == user_id, MessagePreference.wanted.is_(False)
    )
    return frozenset(await session.scalars(query))


async def read(session: AsyncSession, user_id: UUID) -> Preferences:
    """Return which kinds a person wants."""
    unwanted = await unwanted_by(session, user_id)
    return Preferences.model_validate({kind: kind not in unwanted for kind in KINDS})


async def change(session: AsyncSession, user_id: UUID, body: PreferencesChange, expected: int) -> Preferences:
    """Change some of them. Raises StaleError when they are not as they were read."""
    # The account is held: two changes at once are made one after the other, each on what it has read.
    await session.execute(select(User.id).where(User.id == user_id).with_for_update())
    check_version(version(await read(session, user_id)), expected)
    for_all = sent(body)
    await session.execute(
        delete(MessagePreference).where(MessagePreference.user_id == user_id, MessagePreference.kind.in_(for_all))
    )
    session.add_all(MessagePreference(user_id=user_id, kind=kind, wanted=wanted) for kind, wanted in for_all.items())
    await session.flush()
    return await read(session, user_id)


def version(preferences: Preferences) -> int:
    """Return a number that is the same for the same preferences: the source of their `ETag`."""
    return sum(1 << place for place, kind in enumerate(KINDS) if getattr(preferences, kind))
