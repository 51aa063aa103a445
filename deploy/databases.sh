#!/usr/bin/env bash
# Makes the databases, each with a role that owns it and that alone may use it: Dagster's storage, and the
# catalogue of a lake if that has a password. The PostgreSQL image runs it once, when its data folder is new.
set -euo pipefail

make_database() {
    # Not as arguments: these can be seen by everyone on the machine.
    NAME=$1 PASSWORD=$2 psql --no-psqlrc --quiet --set=ON_ERROR_STOP=1 \
        --username="$POSTGRES_USER" --dbname=postgres <<'SQL'
\getenv name NAME
\getenv password PASSWORD
CREATE ROLE :"name" LOGIN PASSWORD :'password';
CREATE DATABASE :"name" OWNER :"name";
REVOKE ALL ON DATABASE :"name" FROM PUBLIC;
SQL
}

make_database dagster "$DAGSTER_POSTGRES_PASSWORD"
[ -z "${LAKE_POSTGRES_PASSWORD:-}" ] || make_database lake "$LAKE_POSTGRES_PASSWORD"
