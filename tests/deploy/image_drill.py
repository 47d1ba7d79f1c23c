"""Builds the image without Docker, runs it, and stops it under load: `python -m tests.deploy.image_drill [FOLDER]`.

For root on Debian: apt install buildah debootstrap. debootstrap makes a stand-in for the base image (Debian with
Python), buildah carries out the Dockerfile in a chroot. FOLDER (default: a temporary one) keeps both for the next run.
Ends with 1 where the image does not build, answer, stop within ten seconds with 0, or where a request that was
accepted is not answered.
"""

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx

from backend.tenancy import embedded
from tests.benchmarks.distance import distance
from tests.deploy.processes import REFUSED, ask
from tests.helpers import create, sign_up
from tests.smtp import free_port

ROOT = Path(__file__).parents[2]
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
BASE, IMAGE = "localhost/filage-base:drill", "localhost/filage:drill"
USERS, SECONDS_OF_LOAD, SECONDS_TO_STOP = 8, 5, 10


@dataclass(frozen=True, slots=True)
class Buildah:
    """buildah with a store of its own; chroot and vfs need no right that a plain root lacks."""

    folder: Path

    def words(self, *words: str) -> list[str]:
        store = ["--root", str(self.folder / "store"), "--runroot", str(self.folder / "run"), "--storage-driver", "vfs"]
        return ["buildah", *store, *words]

    def __call__(self, *words: str) -> str:
        done = subprocess.run(self.words(*words), cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
        return done.stdout.strip()


def make_base(buildah: Buildah) -> None:
    """Make the stand-in for python:slim, with this machine's certificates, since its network may have its own."""
    tree = buildah.folder / "base"
    if not tree.exists():
        packages = "--include=python3,python3-venv,ca-certificates"
        subprocess.run(["debootstrap", "--variant=minbase", packages, "stable", tree], check=True)  # noqa: S607
        shutil.copy(CERTIFICATES, tree / CERTIFICATES.relative_to("/"))
        (tree / "etc" / "pip.conf").write_text(f"[global]\ncert = {CERTIFICATES}\n", encoding="utf-8")
    container = buildah("from", "scratch")
    buildah("add", container, str(tree), "/")
    buildah("commit", container, BASE)
    buildah("rm", container)


def build(buildah: Buildah) -> dict[str, object]:
    """Carry the Dockerfile out; return the image's configuration."""
    buildah("bud", "--format", "docker", "--isolation", "chroot", "--build-arg", f"BASE={BASE}", "--tag", IMAGE, ".")
    config: dict[str, object] = json.loads(buildah("inspect", "--type", "image", IMAGE))["Docker"]["config"]
    return config


@contextmanager
def database() -> Iterator[dict[str, str]]:
    """Run PostgreSQL with a port in front of its socket; yield what production's environment says of it."""
    folder = Path(tempfile.mkdtemp(prefix="filage-drill-"))
    folder.chmod(0o755)
    server = embedded.start(folder / "postgresql")
    embedded.make_database(server)
    try:
        with distance(Path(server.socket_directory) / ".s.PGSQL.5432", 0) as port:
            place = f"127.0.0.1:{port}/{embedded.DATABASE}"
            yield {
                "FILAGE_DATABASE_URL": f"postgresql+psycopg://{embedded.APP_LOGIN}@{place}",
                "FILAGE_OWNER_DATABASE_URL": f"postgresql+psycopg://{embedded.OWNER_LOGIN}@{place}",
                "FILAGE_SUPERUSER_DATABASE_URL": f"postgresql://postgres@{place}",
                "FILAGE_SECRET_KEY": "of-the-drill-" * 4,
                "FILAGE_PUBLIC_URL": "https://filage.example.org",
                "FILAGE_METRICS_PORT": str(free_port()),
                "FILAGE_LOG_LEVEL": "warning",
            }
    finally:
        embedded.remove(folder / "postgresql")
        shutil.rmtree(folder, ignore_errors=True)


def start(buildah: Buildah, container: str, environment: Mapping[str, str], *words: str) -> subprocess.Popen[bytes]:
    """Start a command in the container, as the image's user."""
    given = [part for name, value in environment.items() for part in ("--env", f"{name}={value}")]
    command = buildah.words("run", "--isolation", "chroot", "--user", "10001:10001", *given, container, "--", *words)
    return subprocess.Popen(command)


def run(buildah: Buildah, container: str, environment: Mapping[str, str], *words: str) -> int:
    return start(buildah, container, environment, *words).wait(300)


def inside(process: subprocess.Popen[bytes], words: str) -> int:
    """Return the process id of the first command below `process` that runs `words`: what Docker would number 1."""
    found = {}
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError, ValueError):
            parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            found[int(entry.name)] = parent, (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
    for pid, (parent, line) in sorted(found.items()):
        above = parent
        while above in found and above != process.pid:
            above = found[above][0]
        if above == process.pid and words in line and "buildah" not in line and line.split()[0].endswith("python3"):
            return pid
    raise SystemExit(f"no process runs {words}")


async def load(port: int, request: bytes, process: subprocess.Popen[bytes]) -> tuple[Counter[str], float]:
    """Ask from several sides, then send SIGTERM; return what became of the requests, and the seconds to the end."""
    seen: Counter[str] = Counter()

    async def user() -> None:
        while process.poll() is None:
            outcome = await ask(port, request)
            seen[outcome] += 1
            if outcome == REFUSED:
                return

    users = [asyncio.create_task(user()) for _ in range(USERS)]
    await asyncio.sleep(SECONDS_OF_LOAD)
    since = time.monotonic()
    os.kill(inside(process, "backend.cli.main serve"), signal.SIGTERM)
    await asyncio.to_thread(process.wait, 60)
    took = time.monotonic() - since
    await asyncio.gather(*users)
    return seen, took


async def ready(url: str, process: subprocess.Popen[bytes]) -> None:
    async with httpx.AsyncClient(base_url=url) as client, asyncio.timeout(60):
        while True:
            with suppress(httpx.TransportError):
                if (await client.get("/health/ready")).status_code == 200:
                    return
            if process.poll() is not None:
                raise SystemExit("the server ended instead of serving")
            await asyncio.sleep(0.1)


async def serve_and_stop(buildah: Buildah, container: str, environment: Mapping[str, str], health: list[str]) -> bool:
    port = free_port()
    process = start(buildah, container, environment, "filage", "serve", "--port", str(port), "--workers", "2")
    url = f"http://127.0.0.1:{port}"
    await ready(url, process)
    healthy = run(buildah, container, {}, *[word.replace(":8000", f":{port}") for word in health])
    async with httpx.AsyncClient(base_url=url) as client:
        company = await sign_up(client)
        await create(client, company.headers, "/venues", name="La Fonderie")
    lines = ["GET /api/v1/venues HTTP/1.1", "Host: filage.test", "Connection: close"]
    lines += [f"{name}: {value}" for name, value in company.headers.items()]
    seen, took = await load(port, "\r\n".join([*lines, "", ""]).encode(), process)
    say(f"health check {healthy}; requests {dict(seen)}; stopped after {took:.1f} s with {process.returncode}")
    answered = set(seen) <= {"HTTP/1.1 200 OK", REFUSED} and seen["HTTP/1.1 200 OK"] > 0
    return healthy == 0 and answered and process.returncode == 0 and took <= SECONDS_TO_STOP


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def main(folder: Path) -> int:
    buildah, since = Buildah(folder), time.monotonic()
    make_base(buildah)
    made = time.monotonic()
    config = build(buildah)
    say(f"base {made - since:.0f} s, image {time.monotonic() - made:.0f} s")
    say(f"user {config['User']}, entry {config['Entrypoint']}, command {config['Cmd']}, signal {config['StopSignal']}")
    health = config["Healthcheck"]["Test"][1:]  # type: ignore[index]
    container = buildah("from", IMAGE)
    try:
        with database() as environment:
            for words in ("id", "filage db harden", "filage migrate", "filage db check", "filage migrate"):
                if run(buildah, container, environment, *words.split()):
                    return 1
            if run(buildah, container, environment, "python3", "-c", "import pip") == 0:
                say("pip is in the image")
                return 1
            return 0 if asyncio.run(serve_and_stop(buildah, container, environment, health)) else 1
    finally:
        buildah("rm", container)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        sys.exit(main(Path(sys.argv[1])))
    with tempfile.TemporaryDirectory(prefix="filage-image-", dir="/var/tmp") as temporary:
        sys.exit(main(Path(temporary)))
