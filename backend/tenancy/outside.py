"""What a program that is not ours (psql, pg_dump) needs to work inside one company: libpq's variables, or a file."""

from backend.tenancy.models import CompanyInfo
from backend.tenancy.session import Database, company_file


def environment(database: Database, company: CompanyInfo) -> dict[str, str]:
    """Return the variables of the environment.

    The role is set for the session by libpq's own option: whoever types statements by hand could leave it, as the app
    login may; it keeps mistakes inside the company, not attacks.
    """
    if database.is_sqlite:
        file = company_file(database.shared_file, company.schema_name)
        return {"FILAGE_COMPANY": company.slug, "FILAGE_COMPANY_FILE": str(file)}
    app = database.urls.app
    given = {
        "PGHOST": app.host or app.query.get("host"),
        "PGPORT": app.port,
        "PGDATABASE": app.database,
        "PGUSER": app.username,
        "PGPASSWORD": app.password,
        "PGOPTIONS": f"-c search_path={company.schema_name} -c role={company.role_name}",
    }
    return {"FILAGE_COMPANY": company.slug, **{name: str(value) for name, value in given.items() if value}}
