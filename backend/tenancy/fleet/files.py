"""The same visits on SQLite: file after file, the shared one attached, so each file and its row commit as one."""

from pathlib import Path
from typing import Any, Self

from sqlalchemy import Connection, update
from sqlalchemy.exc import SQLAlchemyError

from backend.core.clock import utc_now
from backend.tenancy import migrations
from backend.tenancy.fleet import outcome
from backend.tenancy.fleet.legs import Leg
from backend.tenancy.fleet.order import Order, Visit
from backend.tenancy.fleet.outcome import DONE, Outcome
from backend.tenancy.migrations import Steps, sqlite_connection
from backend.tenancy.models import Company, MigrationState, TenantMigration
from backend.tenancy.session import Urls, company_file


class FileCourier:
    """What `Courier` is on PostgreSQL; indexes are made inside the transaction, nobody else writes the file."""

    def __init__(self, urls: Urls, order: Order) -> None:
        self._shared = Path(urls.app.database or "")
        self._order = order

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_error: object) -> None:
        return None

    async def claim(self, visit: Visit) -> Outcome:
        """Write that the company's turn has come."""
        return self._note(
            visit, state=MigrationState.RUNNING, attempts=TenantMigration.attempts + 1, from_revision=visit.start,
            to_revision=visit.end, started_at=utc_now(), finished_at=None, error=None,
        )  # fmt: skip

    async def carry(self, visit: Visit, leg: Leg, waited: float) -> Outcome:
        """Bring the company's file to the end of `leg`."""
        file = company_file(self._shared, visit.schema)
        if visit.start is not None and not file.exists():
            return outcome.failed(f"its file {file.name} is gone: restore it from a backup, or remove the company")
        steps = leg.steps if legs_back(leg) else migrations.with_indexes(migrations.upgrade_steps(leg.start, leg.end))
        try:
            with sqlite_connection(file, self._shared) as connection:
                self._change(connection, visit, steps, waited)
        except _ElsewhereError as error:
            return Outcome(found=str(error))
        except (SQLAlchemyError, ArithmeticError, LookupError, TypeError, ValueError) as error:
            return outcome.failed(f"{visit.start} to {visit.end}: {str(error).splitlines()[0]}")
        return DONE

    async def make_indexes(self, _visit: Visit, _leg: Leg, _waited: float) -> Outcome:
        """Do nothing: they were made with the tables."""
        return DONE

    async def fail(self, visit: Visit, error: str, waited: float) -> Outcome:
        """Write that the company stayed behind, and why."""
        return self._note(
            visit, state=MigrationState.FAILED, error=error, finished_at=utc_now(), lock_wait_seconds=waited
        )

    def _change(self, connection: Connection, visit: Visit, steps: Steps, waited: float) -> None:
        def find(revision: str | None) -> Steps:
            if revision != visit.start:
                raise _ElsewhereError(revision)
            return steps

        started = utc_now()
        migrations.run_steps(connection, find)
        connection.execute(update(Company).where(Company.id == visit.company_id).values(revision=visit.end))
        done = {
            "state": MigrationState.DONE, "finished_at": utc_now(), "lock_wait_seconds": waited,
            "seconds": (utc_now() - started).total_seconds(), "indexes_pending": False,
        }  # fmt: skip
        connection.execute(update(TenantMigration).where(TenantMigration.id == visit.row_id).values(**done))
        if self._order.dry_run:
            connection.rollback()
        else:
            connection.commit()

    def _note(self, visit: Visit, **values: Any) -> Outcome:  # noqa: ANN401 - columns
        if self._order.dry_run:
            return DONE
        with sqlite_connection(None, self._shared) as connection:
            connection.execute(update(TenantMigration).where(TenantMigration.id == visit.row_id).values(**values))
            connection.commit()
        return DONE


def legs_back(leg: Leg) -> bool:
    """Tell whether the leg leads back: its steps take the indexes away already."""
    return bool(leg.steps) and not leg.steps[0].is_upgrade


class _ElsewhereError(Exception):
    """The file is at another revision than planned."""
