"""Refusals because somebody is held elsewhere: each is one bit about another company, so they are counted and slowed.

A company over its limit (`FILAGE_LIMIT_UNAVAILABLE_ANSWERS_PER_HOUR`) gets 429 before the ledger is asked, so that the
429 says nothing either: to refuse only whoever is held would tell. Requests side by side all pass that door: whoever
was counted too late gets 429 as well, and no answer.
"""

from datetime import datetime, timedelta
from uuid import UUID

from fastapi import Request

from backend.core.errors import ConflictError, Sentence, TooManyError
from backend.identity.access import AsPlanner
from backend.telemetry import record
from backend.tenancy import limits
from backend.tenancy.acting import Act
from backend.tenancy.session import Database, afterwards, login_rights, settings_of

WINDOW = timedelta(hours=1)
_KIND = "unavailable"
_TOLD_ENOUGH = Sentence(
    "Votre compagnie a reçu trop de réponses « pas disponible » cette heure-ci, et ce qui pourrait en donner d'autres "
    "(proposer, confirmer, déplacer, vérifier, importer) attend",
    'Your company was told "not available" too often this hour, and whatever might tell it again (offering, '
    "confirming, moving, checking, importing) waits",
)


def note_refusals(act: Act, refused: int = 1, *, each_named: bool = False) -> None:
    """Count refusals of this company once the transaction has ended: they are refusals because it rolls back.

    Where others were told enough meanwhile, 429 takes the place of the answer; where the answer names `each_named` of
    the refused, also when it would itself tell more than an hour allows.
    """

    async def count(database: Database) -> None:
        told = await _count(database, act.company.id, refused, act.now)
        most = database.settings.limit_unavailable_answers_per_hour
        if told - refused >= most or (each_named and told > most):
            raise _too_many(act.now)

    record.current().fields["unavailable"] = refused
    afterwards(act.session, count)


def note_told(act: Act, refused: int) -> None:
    """Count what a person's own yes tells, which is never refused: an account that is linked, and what it contests."""

    async def count(database: Database) -> None:
        await _count(database, act.company.id, refused, act.now)

    if refused:
        record.current().fields["unavailable"] = refused
        afterwards(act.session, count)


async def let_tell(act: Act, refused: int, most: int) -> None:
    """Count refusals that an answer is about to tell, within its transaction, where side by side they wait in turn.

    Raises TooManyError, and counts all the same, where more than `most` would be told in the hour.
    """
    async with login_rights(act.session):
        told = await limits.count(act.session, _KIND, str(act.company.id), WINDOW, act.now, by=refused)
    if told > most:
        note_refusals(act, refused)  # what was counted here is taken back with the rest
        raise _too_many(act.now)
    record.current().fields["unavailable"] = refused


async def left_to_tell(act: Act, most: int) -> int:
    """Return how many more refusals the hour allows; `let_tell` has the last word, where others ask side by side."""
    async with login_rights(act.session):
        return max(0, most - await limits.peek(act.session, _KIND, str(act.company.id), WINDOW, act.now))


def not_told(act: Act) -> ConflictError:
    """Return the answer to one of many that is neither done nor told: the same whether the person is held or free."""
    wait = limits.minutes_left(WINDOW, act.now)
    return ConflictError(
        "not_told",
        Sentence(
            f"Ce que nous pouvions dire cette heure-ci est épuisé, rien n'a été fait ici : réessayez dans {wait.fr}.",
            f"What we could tell this hour is used up, and nothing was done here: try again in {wait.en}.",
        ),
    )


async def let_stay_contested(act: Act, contested: int) -> None:
    """Count what an act tells that is stored: contested bookings that move, and are contested there too.

    Raises TooManyError as `let_tell`, so that nothing has moved where more would be told than is left of the hour.
    """
    if contested:
        await let_tell(act, contested, settings_of(act.session).limit_unavailable_answers_per_hour)


async def check_unhurried(request: Request, act: Act) -> None:
    """Refuse (429) a company that was told "not available" too often within the hour."""
    async with login_rights(act.session):
        told = await limits.peek(act.session, _KIND, str(act.company.id), WINDOW, act.now)
    if told >= request.app.state.settings.limit_unavailable_answers_per_hour:
        raise _too_many(act.now)


async def unhurried(request: Request, act: AsPlanner) -> None:
    """Check it before an act of the API; who may not act at all is told so, and not what the company was told."""
    await check_unhurried(request, act)


def _too_many(now: datetime) -> TooManyError:
    return limits.too_many(WINDOW, now, _TOLD_ENOUGH)


async def _count(database: Database, company_id: UUID, refused: int, now: datetime) -> int:
    async with database.shared() as session:
        return await limits.count(session, _KIND, str(company_id), WINDOW, now, by=refused)
