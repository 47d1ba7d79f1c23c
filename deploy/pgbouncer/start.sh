#!/bin/sh
# Writes the one login that PgBouncer serves into memory (tmpfs), then becomes PgBouncer.
# Passwords hold letters and digits only (deploy/.env.example), so nothing needs quoting.
set -eu
umask 077
cd "${PGBOUNCER_RUN:-/run/pgbouncer}"
printf '"filage_app" "%s"\n' "$APP_PASSWORD" >users.txt
exec pgbouncer "${PGBOUNCER_CONFIG:-/etc/filage/pgbouncer.ini}"
