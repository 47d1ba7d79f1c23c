#!/bin/sh
# Brings a backup of backup.sh into an empty database: restore.sh FOLDER [DATABASE]; without DATABASE, PGDATABASE.
# Refuses a backup that has changed and a database that holds something. Afterwards: filage db harden, migrate, db check.
# The connection is libpq's, as in backup.sh; the two logins exist already (deploy/postgres/logins.sh).
set -eu

fail() {
    printf 'restore: %s\n' "$1" >&2
    exit 1
}

[ $# -ge 1 ] || fail 'which backup? restore.sh FOLDER [DATABASE]'
backup=$1
PGDATABASE=${2:-${PGDATABASE:-filage}}
export PGDATABASE
started=$(date +%s)
[ -f "$backup/SHA256SUMS" ] || fail "$backup is no finished backup: SHA256SUMS is missing"
(cd "$backup" && sha256sum --quiet --check SHA256SUMS) || fail "$backup has changed since it was made"
ask() {
    psql -qAtX -v ON_ERROR_STOP=1 -c "$1"
}
[ "$(ask "select count(*) from pg_namespace where nspname = 'shared' or nspname ~ '^t_[0-9]+$'")" = 0 ] ||
    fail "$PGDATABASE is not empty: make another database, or drop this one first"

# CREATE ROLE for whoever is missing; a GRANT that stands already changes nothing.
sed -E "s/^CREATE ROLE (.*);\$/SELECT 'CREATE ROLE \1' WHERE to_regrole('\1') IS NULL \\\\gexec/" "$backup/roles.sql" |
    psql -qX -v ON_ERROR_STOP=1 --single-transaction >/dev/null
pg_restore --exit-on-error --jobs="${RESTORE_JOBS:-2}" --dbname="$PGDATABASE" "$backup/dump"
ask 'analyze'
# Companies that signed up after the backup, on the server that is still the same: their numbers are given out again.
# Whoever has something in another database is served there, and this one is a rehearsal beside it.
left=$(ask "select string_agg(format('%I', r.rolname), ', ') from shared.installation i join pg_roles r
    on r.rolname ~ ('^' || i.id || '_t_[0-9]+\$') where to_regnamespace(substr(r.rolname, length(i.id) + 2)) is null
    and not exists (select from pg_shdepend d join pg_database o on o.oid = d.dbid
        where d.refclassid = 'pg_authid'::regclass and d.refobjid = r.oid and o.datname <> current_database())")
[ -z "$left" ] || printf 'restore: these roles are younger than the backup, DROP ROLE them before you serve: %s\n' "$left"
printf 'restore: %s into %s, %s companies, %s s\n' "$(basename "$backup")" "$PGDATABASE" \
    "$(ask 'select count(*) from shared.company')" "$(($(date +%s) - started))"
