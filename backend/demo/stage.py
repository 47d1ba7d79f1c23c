"""Sets the demo's stage: database, migrations, the two companies of the season, and the logins that are printed."""

import asyncio
import shutil
from dataclasses import dataclass, replace
from importlib.resources import files
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from rich.console import Console
from sqlalchemy import make_url

from backend.core.clock import utc_now
from backend.core.settings import Settings
from backend.demo.fitting import put_on_the_map, require_habilitation
from backend.identity.access import find_caller
from backend.identity.models import Membership, Role
from backend.identity.passwords import Passwords
from backend.identity.schemas import AcceptIn, CompanyIn, InvitationIn
from backend.identity.sign_up import sign_up
from backend.identity.users import UserManager
from backend.imports.service import import_season
from backend.people.service import seed_jobs
from backend.portal import invitations
from backend.tenancy import embedded, hardening, migrations
from backend.tenancy.acting import Act, Actor
from backend.tenancy.directory import CompanyDirectory
from backend.tenancy.models import CompanyInfo
from backend.tenancy.provisioning import new_company
from backend.tenancy.session import Database, Urls, find_urls

PASSWORD = "trois-coups-au-lever"  # noqa: S105 - of invented people, printed on purpose
PLANNER = "planning.rampe@example.org"
INTERMITTENT = "raymond.marie@example.org"  # MA01 of one company, P03 of the other


@dataclass(frozen=True, slots=True)
class Troupe:
    """One company of the demo."""

    slug: str
    name: str
    city: str
    owner: str
    owner_name: str


TROUPES = (
    Troupe("compagnie-de-la-rampe", "Compagnie de la Rampe", "Nantes", "direction.rampe@example.org", "Agathe Vallier"),
    Troupe("theatre-du-pont", "Théâtre du Pont", "Paris", "direction.pont@example.org", "Bastien Lenoir"),
)


def urls_of(settings: Settings) -> Urls:
    """Return the logins' URLs; starts the embedded server when it is the one to use."""
    return find_urls(settings)


def no_urls() -> Urls:
    """Return URLs that nothing connects to: the OpenAPI document needs no database."""
    url = make_url("postgresql+psycopg://nobody@127.0.0.1:1/nowhere")
    return Urls(url, url)


def prepare(settings: Settings, *, reset: bool, console: Console) -> Urls:
    """Bring the database to head and load what is missing; `reset` throws everything away first."""
    if reset:
        _throw_away(settings)
    urls = find_urls(settings)
    if settings.app_url is None:
        hardening.harden_embedded(settings.var_dir / "postgresql")
    if not migrations.is_current(urls):
        with console.status("Migrating the database ..."):
            migrations.upgrade()
    asyncio.run(load(settings, urls, console))
    return urls


def announce(console: Console, public_url: str) -> None:
    """Print the address, the logins, and three commands to begin with; no line is broken: each can be copied."""
    api = f"{public_url}/api/v1"
    lines = [
        f"Filage    {public_url}/docs",
        f"mails     {public_url}/demo/mailbox",
        f"password  {PASSWORD}  (everybody's)",
        "",
        *(f"owner         {troupe.owner:<28}  X-Tenant: {troupe.slug}" for troupe in TROUPES),
        f"planner       {PLANNER:<28}  X-Tenant: {TROUPES[0].slug}",
        f"intermittent  {INTERMITTENT:<28}  works for both companies",
        "",
        "To begin with:",
    ]
    pick = "python3 -c 'import json,sys; print(json.load(sys.stdin)[\"access_token\"])'"
    bearer = '-H "Authorization: Bearer $TOKEN"'
    week = "from=2027-01-25T00:00:00%2B01:00&to=2027-02-01T00:00:00%2B01:00"
    commands = [
        f"TOKEN=$(curl -s {api}/auth/login -d username={INTERMITTENT} -d password={PASSWORD} | {pick})",
        f'curl -s "{api}/me/assignments?{week}" {bearer}',
        f"curl -s {api}/me/calendar-feeds -H 'Content-Type: application/json' -d '{{}}' {bearer}",
    ]
    for line in (*lines, *commands):
        console.print(line, markup=False, highlight=False, soft_wrap=True)


def _throw_away(settings: Settings) -> None:
    if settings.app_url is None:
        embedded.remove(settings.var_dir / "postgresql")
    elif settings.is_sqlite:
        shared = Path(settings.app_url.database or "")
        for path in shared.parent.glob(f"{shared.stem}*{shared.suffix}"):
            path.unlink()
    else:
        message = "--reset throws away the embedded server's data or SQLite files, never a server of your own"
        raise SystemExit(message)
    shutil.rmtree(settings.mail_dir, ignore_errors=True)


async def load(settings: Settings, urls: Urls, console: Console) -> None:
    """Sign up, import and people the companies that are not there yet."""
    database = Database(settings, urls, deliver=lambda _items: None, seed=seed_jobs)
    directory, passwords = CompanyDirectory(database, 0), Passwords(settings)
    for troupe in TROUPES:
        if await directory.by_slug(troupe.slug) is None:
            with console.status(f"Loading {troupe.name} ..."):
                await _perform(database, settings, passwords, troupe)
    await database.close()
    passwords.close()


async def _perform(database: Database, settings: Settings, passwords: Passwords, troupe: Troupe) -> None:
    now = utc_now()
    owner = {"email": troupe.owner, "password": PASSWORD, "full_name": troupe.owner_name}
    body = CompanyIn.model_validate({"name": troupe.name, "slug": troupe.slug, "city": troupe.city, "owner": owner})
    async with new_company(database) as new:
        company, _token = await sign_up(
            new, body, None, settings=settings, passwords=passwords, address="demo", user_agent=None, now=now
        )
        if troupe is TROUPES[0]:
            await _add_planner(UserManager(new.session, settings, passwords, now), company)
    actor = Actor(None, troupe.owner_name, Role.OWNER)
    async with database.company(company) as session:
        act = Act(session, company, actor, now)
        await import_season(act, season(troupe.slug), dry_run=False)
        if troupe is TROUPES[0]:
            await require_habilitation(act)
        await put_on_the_map(act)
        invited = await invitations.invite(act, InvitationIn(email=INTERMITTENT, role=Role.INTERMITTENT), settings)
    token = parse_qs(urlsplit(invited.accept_url or "").query)["token"][0]
    await _accept(database, settings, passwords, token)


async def _add_planner(manager: UserManager, company: CompanyInfo) -> None:
    hashed = await manager.passwords.hash(PASSWORD)
    planner = await manager.add(
        email=PLANNER, hashed_password=hashed, full_name="Rachel Aubin", language="fr", verified=True
    )
    manager.session.add(
        Membership(user_id=planner.id, company_id=company.id, role=Role.PLANNER, created_at=manager.now)
    )


async def _accept(database: Database, settings: Settings, passwords: Passwords, token: str) -> None:
    now = utc_now()
    # The demo stands for the person who reads the mail: its link proves the address.
    opened = replace(await invitations.open_invitation(database, token, now), mailed=True)
    caller = None
    if await invitations.has_account(database, INTERMITTENT):
        async with database.shared() as session:
            manager = UserManager(session, settings, passwords, now)
            login = await manager.issue_token(await manager.get_by_email(INTERMITTENT), "demo")
        caller = await find_caller(database, login, None, now)
    body = AcceptIn(token=token, password=PASSWORD)
    async with invitations.accepting(database, opened, now) as act:
        await invitations.accept(act, opened, body, caller, settings=settings, passwords=passwords, user_agent="demo")


def season(name: str) -> dict[str, bytes]:
    """Return the CSV files of one folder of the season that ships with the product ("bad/00-valid" too)."""
    here = files("backend").joinpath("demo", "season", *name.split("/"))
    return {file.name: file.read_bytes() for file in here.iterdir() if file.name.endswith(".csv")}
