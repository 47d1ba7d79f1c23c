"""How one try at one company ended, and the database's errors in words an operator can act on."""

from dataclasses import dataclass

import psycopg

from backend.tenancy.fleet.order import Order, Visit

ERROR_LIMIT = 2_000
_LOCKED = frozenset({"55P03", "40P01", "40001"})  # lock timeout, deadlock, serialisation
_TIMED_OUT, _DISK_FULL = "57014", "53100"
# The backend was ended, or the server is going down or coming up: a later try may find it well.
_INTERRUPTED = frozenset({"57P01", "57P02", "57P03"})


@dataclass(frozen=True, slots=True)
class Outcome:
    """Nothing set: the company is at the end of its leg, committed."""

    error: str | None = None
    # The schema's own version table says another revision than the plan: the leg from there is the right one.
    found: str | None = None
    is_locked: bool = False
    is_lost: bool = False


DONE = Outcome()


def failed(error: str) -> Outcome:
    """Return a failure that another try would only repeat."""
    return Outcome(error[:ERROR_LIMIT])


def of_error(error: psycopg.Error, order: Order, visit: Visit, *, closed: bool) -> Outcome:
    """Return what an error of the database means for this try; `closed`: the connection went with it."""
    state = error.sqlstate or ""
    if closed or state in _INTERRUPTED:
        return Outcome(f"the connection to the server broke: {_first_line(error)}"[:ERROR_LIMIT], is_lost=True)
    if state in _LOCKED:
        return Outcome(
            f"its tables are in use: no lock within {order.lock_timeout_ms} ms, {order.attempts} times. "
            f"See who holds them in pg_stat_activity, then run again ({_first_line(error)})"[:ERROR_LIMIT],
            is_locked=True,
        )
    return failed(_sentence(state, error, order, visit))


def schema_gone(visit: Visit) -> Outcome:
    """Return the failure of a company whose schema somebody dropped."""
    return failed(
        f"its schema {visit.schema} is gone (dropped by hand?): restore it from a backup, or remove the company"
    )


def version_gone(visit: Visit) -> Outcome:
    """Return the failure of a company whose schema has lost its version table; its tables are not made anew."""
    return failed(
        f"schema {visit.schema} has no alembic_version, though the company is at {visit.start} (tables dropped by "
        "hand?): restore the schema from a backup"
    )


def _sentence(state: str, error: psycopg.Error, order: Order, visit: Visit) -> str:
    if state == _TIMED_OUT:
        return f"a statement took over {order.statement_timeout_ms} ms: raise --statement-timeout-ms, or change less"
    if state == _DISK_FULL:
        return f"the server's disk is full: make room, then run again ({_first_line(error)})"
    return f"{visit.start} to {visit.end}: {_first_line(error)}"


def _first_line(error: psycopg.Error) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
