"""What the isolation tests put into a company's schema, and how they look where a transaction is."""

from psycopg.conninfo import make_conninfo
from sqlalchemy import URL, text

from backend.core.clock import utc_now
from backend.tenancy.models import CompanyInfo, TenantAnswer
from backend.tenancy.session import Database

WHERE = text("select current_user, current_setting('search_path')")
CANARY = text("select key from idempotency_key where scope = 'canary'")
BOOK = (
    "insert into shared.booking (assignment_id, company_id, company_role, person_number, starts_at, ends_at, status) "
    "values (gen_random_uuid(), '{company.id}', '{company.role_name}', {number}, "
    "'2027-01-26 14:00+01', '2027-01-26 17:00+01', 'confirmed')"
)


async def with_canary(database: Database, company: CompanyInfo) -> CompanyInfo:
    """Leave a row that tells whose schema a query has read."""
    async with database.company(company) as session:
        session.add(
            TenantAnswer(scope="canary", key=company.schema_name, fingerprint="", created_at=utc_now(), headers=None)
        )
    return company


def conninfo_of(url: URL) -> str:
    """Return a URL of SQLAlchemy as psycopg takes it."""
    names = url.translate_connect_args(database="dbname", username="user")
    return make_conninfo("", **names, **{name: str(value) for name, value in url.query.items()})
