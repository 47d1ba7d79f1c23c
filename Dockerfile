# Filage in one image: `serve`, `worker`, `migrate`, `db harden` and every other command of `filage`.
#   docker build -t filage:0.1.0 .
# BASE is any image with Python 3.11 or newer and its venv module.
ARG BASE=python:3.13-slim-bookworm

FROM ${BASE} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
# Two environments: pip stays in the first, and what it installs goes into the second, which is all that is kept.
RUN python3 -m venv /build && python3 -m venv --without-pip /srv/filage/venv
WORKDIR /srv/filage
COPY deploy/requirements.lock ./
# --only-binary: nothing is compiled, so no compiler is missed. The lock names every package, so nothing is resolved.
RUN /build/bin/pip --python venv/bin/python3 install --quiet --require-hashes --no-deps --only-binary :all: -r requirements.lock
COPY backend ./backend
COPY alembic.ini ./
COPY alembic ./alembic
# The folder is on the path of the environment, and `filage` is its command.
RUN echo /srv/filage >"$(venv/bin/python3 -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/filage.pth" \
    && printf '#!/bin/sh\nexec /srv/filage/venv/bin/python3 -m backend.cli.main "$@"\n' >venv/bin/filage \
    && chmod 755 venv/bin/filage \
    && venv/bin/python3 -m compileall -q backend alembic \
    && rm requirements.lock

FROM ${BASE}
LABEL org.opencontainers.image.title="Filage" org.opencontainers.image.licenses="Apache-2.0"
# A fixed number, so that whoever mounts a folder knows whose it must be; no home, no shell, no password.
RUN groupadd --gid 10001 filage \
    && useradd --uid 10001 --gid filage --no-log-init --no-create-home --home-dir /srv/filage --shell /usr/sbin/nologin filage
COPY --from=build /srv/filage /srv/filage
COPY LICENSE /srv/filage/
WORKDIR /srv/filage
ENV PATH=/srv/filage/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    FILAGE_ENVIRONMENT=production FILAGE_METRICS_HOST=0.0.0.0
USER 10001:10001
EXPOSE 8000 9464
# On SIGTERM nobody is accepted any more, the requests under way are answered, and the process leaves with 0.
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
    CMD ["python3", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/health/ready', timeout=4)"]
ENTRYPOINT ["filage"]
CMD ["serve", "--host", "0.0.0.0", "--workers", "2"]
