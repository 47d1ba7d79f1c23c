"""The peer of `./run bench tenancy`: django-tenants, in an environment and a database of its own, with our tables.

The tables and the later change are raw SQL, its fastest form; the executors are tuned as its documentation advises.
"""

import json
import subprocess
import sys
import textwrap
import time
import venv
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from backend.tenancy import embedded, migrations

VERSIONS = ("django-tenants==4.0.1", "psycopg[binary]>=3.3,<3.4")
DATABASE = "peer"
PROCESSES = 4
LONGEST_SECONDS = 3600
CHANGES = ("0002_first", "0003_second")

_SETTINGS = """
SECRET_KEY = "benchmark"
USE_TZ = True
INSTALLED_APPS = ["django_tenants", "django.contrib.contenttypes", "customers", "season"]
SHARED_APPS, TENANT_APPS = ["django_tenants", "django.contrib.contenttypes", "customers"], ["season"]
TENANT_MODEL, TENANT_DOMAIN_MODEL = "customers.Client", "customers.Domain"
DATABASE_ROUTERS = ["django_tenants.routers.TenantSyncRouter"]
TENANT_LIMIT_SET_CALLS = True
TENANT_MULTIPROCESSING_MAX_PROCESSES, TENANT_MULTIPROCESSING_CHUNKS = {processes}, 25
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
DATABASES = {{"default": {{"ENGINE": "django_tenants.postgresql_backend", "NAME": {name!r}, "USER": {user!r},
                         "HOST": {host!r}, "CONN_MAX_AGE": 600}}}}
"""
_MODELS = """
from django.db import models
from django_tenants.models import DomainMixin, TenantMixin

class Client(TenantMixin):
    name = models.CharField(max_length=200)
    auto_create_schema = True

class Domain(DomainMixin):
    pass
"""
_MIGRATION = """
from django.db import migrations

class Migration(migrations.Migration):
    dependencies = {before}
    operations = [migrations.RunSQL({sql!r}, migrations.RunSQL.noop)]
"""
_CREATE = """
import json, os, sys, time
import django
os.environ["DJANGO_SETTINGS_MODULE"] = "settings"
django.setup()
from customers.models import Client
first, number = map(int, sys.argv[1:])
seconds = []
for place in range(first, first + number):
    begun = time.perf_counter()
    Client(schema_name=f"p_{place:06d}", name=f"Troupe {place}").save(verbosity=0)
    seconds.append(time.perf_counter() - begun)
print(json.dumps(seconds))
"""


@dataclass(frozen=True, slots=True)
class Peer:
    """A project of django-tenants, ready to be asked."""

    folder: Path

    def create(self, number: int) -> float:
        """Sign `number` tenants up, and return the median in milliseconds."""
        seconds: list[float] = json.loads(self._python("create.py", "0", str(number)))
        return round(median(seconds) * 1000, 1)

    def migrate(self, executor: str, change: str | None = None) -> float:
        """Run its command (with one more change, if it is given), and return the seconds that it took."""
        if change is not None:
            (self.folder / "season" / "later" / f"{change}.py").rename(self.folder / _PLACE / f"{change}.py")
        begun = time.perf_counter()
        self._python("-m", "django", "migrate_schemas", "--executor", executor, "--noinput", "-v", "0")
        return round(time.perf_counter() - begun, 3)

    def _python(self, *words: str) -> str:
        done = subprocess.run(
            [str(self.folder / "venv" / "bin" / "python"), *words], cwd=self.folder, check=False, capture_output=True,
            text=True, timeout=LONGEST_SECONDS,
            env={"DJANGO_SETTINGS_MODULE": "settings", "PYTHONPATH": str(self.folder), "PATH": "/usr/bin:/bin"},
        )  # fmt: skip
        if done.returncode:
            raise SystemExit(f"the peer failed:\n{done.stdout[-2000:]}\n{done.stderr[-3000:]}")
        return done.stdout


_PLACE = Path("season") / "migrations"


def make_peer(server: embedded.EmbeddedServer, folder: Path) -> Peer:
    """Make the environment, the project and its shared tables."""
    folder.mkdir()
    venv.create(folder / "venv", with_pip=True)
    pip = [str(folder / "venv" / "bin" / "python"), "-m", "pip", "install", "-qq", "--disable-pip-version-check"]
    subprocess.run([*pip, *VERSIONS], check=True, timeout=LONGEST_SECONDS, stdout=sys.stderr)
    embedded.make_database(server, DATABASE)
    _write(server, folder)
    peer = Peer(folder)
    peer._python("-m", "django", "makemigrations", "customers", "-v", "0")
    peer._python("-m", "django", "migrate_schemas", "--shared", "--noinput", "-v", "0")
    return peer


def _write(server: embedded.EmbeddedServer, folder: Path) -> None:
    query = server.url(embedded.OWNER_LOGIN, DATABASE).partition("host=")[2].replace("%2F", "/")
    files = {
        "settings.py": _SETTINGS.format(
            name=DATABASE, user=embedded.OWNER_LOGIN, host=query.partition("&")[0], processes=PROCESSES
        ),
        "create.py": _CREATE,
        "customers/__init__.py": "", "customers/models.py": _MODELS, "customers/migrations/__init__.py": "",
        "season/__init__.py": "", "season/models.py": "", "season/migrations/__init__.py": "",
        "season/migrations/0001_initial.py": _MIGRATION.format(before=[], sql=migrations.tenant_script()),
    }  # fmt: skip
    before = "0001_initial"
    for number, change in enumerate(CHANGES):
        sql = (
            f"alter table venue add column stage_door_{number} varchar(200); "
            f"create index ix_venue_stage_door_{number} on venue (stage_door_{number})"
        )
        files[f"season/later/{change}.py"] = _MIGRATION.format(before=[("season", before)], sql=sql)
        before = change
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(content), encoding="utf-8")
