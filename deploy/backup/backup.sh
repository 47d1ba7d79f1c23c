#!/bin/sh
# A backup that proved readable, or none: dump, roles of the companies, checksums; renamed into its place last.
#   backup.sh --now      makes one
#   backup.sh --daily    makes one each day at BACKUP_HOUR (UTC), and one at once where the newest is older than a day
#   backup.sh --check    ends with 1 when the newest is older than 26 hours
# The connection is libpq's (PGHOST, PGUSER, PGPASSWORD, PGDATABASE): a superuser, with PostgreSQL's tools of the server's version.
set -eu
umask 077

folder=${BACKUP_DIR:-/backups}
keep=${BACKUP_KEEP:-14}
hour=${BACKUP_HOUR:-3}
jobs=${BACKUP_JOBS:-2}
prefix=filage-

fail() {
    printf 'backup: %s\n' "$1" >&2
    exit 1
}

finished() {
    find "$folder" -mindepth 1 -maxdepth 1 -type d -name "$prefix*Z" | sort
}

younger_than_minutes() {
    [ -n "$(find "$folder" -mindepth 1 -maxdepth 1 -type d -name "$prefix*Z" -mmin "-$1")" ]
}

# Roles are the server's, not the database's. Only those of the schemas in the dump: a role without its schema would be in the way
# of the next sign-up. The logins and their passwords stay out: deploy/postgres/logins.sh makes them.
roles_of() {
    pg_dumpall --roles-only --no-role-passwords | grep -E "^(CREATE ROLE|ALTER ROLE|GRANT) \"?$1_" |
        awk -v id="$1" -v schemas="$2" '
            BEGIN { while ((getline schema < schemas) > 0) known[id "_" schema] = 1 }
            { for (i = 2; i <= NF; i++) { word = $i; gsub(/[";]/, "", word); if (index(word, id "_t_") == 1 && !known[word]) next }
              print }'
}

# When the newest backup was finished, for a node exporter that reads this folder (FilageBackupStale); swapped in whole.
note_success() {
    metric=filage_backup_last_success_timestamp_seconds
    printf '# HELP %s When a backup was last finished.\n# TYPE %s gauge\n%s %s\n' "$metric" "$metric" "$metric" "$(date +%s)" \
        >"$folder/backup.prom.part" && mv "$folder/backup.prom.part" "$folder/backup.prom"
}

make_backup() {
    started=$(date +%s)
    name=$prefix$(date -u +%Y%m%dT%H%M%SZ)
    part=$folder/$name.part
    mkdir -p "$folder"
    exec 9>"$folder/.lock"
    flock -n 9 || fail 'another backup is under way'
    rm -rf "$folder/$prefix"*.part
    mkdir "$part"
    installation=$(psql -qAtX -v ON_ERROR_STOP=1 -c 'select id from shared.installation')
    [ -n "$installation" ] || fail 'the database holds no installation: nothing was backed up'
    pg_dump --format=directory --jobs="$jobs" --file="$part/dump"
    pg_restore --list "$part/dump" | awk '$4 == "SCHEMA" && $6 ~ /^t_[0-9]+$/ { print $6 }' >"$part/schemas.txt"
    roles_of "$installation" "$part/schemas.txt" >"$part/roles.sql"
    schemas=$(wc -l <"$part/schemas.txt")
    roles=$(grep -c "^CREATE ROLE \"\?${installation}_t_" "$part/roles.sql" || true)
    [ "$roles" -eq "$schemas" ] || fail "$schemas schemas of companies, but $roles roles: nothing was kept"
    # Reads every table back: a dump that cannot be read to its end is none.
    pg_restore --file=/dev/null "$part/dump"
    (cd "$part" && find . -type f ! -name SHA256SUMS -exec sha256sum {} + >SHA256SUMS)
    mv "$part" "$folder/$name"
    note_success || printf 'backup: %s is made, but %s could not be written\n' "$name" "$folder/backup.prom" >&2
    finished | head -n "-$keep" | while read -r old; do rm -rf "$old"; done
    printf 'backup: %s, %s schemas, %s kB, %s s\n' "$name" "$schemas" \
        "$(du -sk "$folder/$name" | cut -f 1)" "$(($(date +%s) - started))"
}

case ${1:-} in
    --now) make_backup ;;
    --check) younger_than_minutes 1560 || fail "no backup in $folder is younger than 26 hours" ;;
    --daily)
        trap 'exit 0' TERM INT
        while :; do
            # One that fails is tried again in ten minutes; meanwhile --check says so.
            if ! younger_than_minutes 1440 || { [ "$(date -u +%-H)" -eq "$hour" ] && ! younger_than_minutes 120; }; then
                sh "$0" --now || printf 'backup: failed, the next try is in ten minutes\n' >&2
            fi
            sleep 600 &
            wait $!
        done
        ;;
    *) fail 'what? --now, --daily or --check' ;;
esac
