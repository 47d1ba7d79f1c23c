#!/bin/sh
# The two logins of Filage, and its database; run once by the postgres image on an empty volume, safe to repeat.
# With new passwords in the environment it rotates them.
set -eu

psql -qX -v ON_ERROR_STOP=1 --username "${POSTGRES_USER:-postgres}" --dbname postgres \
    -v database="${FILAGE_DATABASE:-filage}" -v owner_password="$OWNER_PASSWORD" -v app_password="$APP_PASSWORD" <<'SQL'
SELECT 'CREATE ROLE filage_owner LOGIN CREATEROLE' WHERE to_regrole('filage_owner') IS NULL \gexec
SELECT 'CREATE ROLE filage_app LOGIN NOINHERIT' WHERE to_regrole('filage_app') IS NULL \gexec
ALTER ROLE filage_owner PASSWORD :'owner_password';
ALTER ROLE filage_app PASSWORD :'app_password';
SELECT format('CREATE DATABASE %I OWNER filage_owner', :'database')
    WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = :'database') \gexec
SQL
