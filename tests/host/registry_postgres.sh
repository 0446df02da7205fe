#!/bin/bash
# The tests of the registry once more, over PostgreSQL in a cluster of its own: made, used and
# removed here.  Skipped, and said so, where PostgreSQL is not installed.
#   registry_postgres.sh TEST_PROGRAM
# SPDX-License-Identifier: Apache-2.0
set -eu

bin=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -1)
[ -x "${bin:-/nowhere}/initdb" ] || { echo "skipped: PostgreSQL is not installed"; exit 77; }
dir=$(mktemp -d /tmp/culvert-postgres.XXXXXX)
as=()
if [ "$(id -u)" = 0 ]; then # it refuses to run as root
    id -u postgres >/dev/null 2>&1 || { echo "skipped: no user postgres"; exit 77; }
    chown postgres "$dir"
    as=(setpriv --reuid postgres --regid postgres --clear-groups)
fi
trap '"${as[@]}" "$bin/pg_ctl" -D "$dir/data" -m immediate -w stop >/dev/null 2>&1; rm -rf "$dir"' EXIT
cd "$dir"
"${as[@]}" "$bin/initdb" -D "$dir/data" -A trust -U culvert --no-sync -E UTF8 --locale=C >"$dir/log" 2>&1 ||
    { cat "$dir/log"; exit 1; }
"${as[@]}" "$bin/pg_ctl" -D "$dir/data" -w -l "$dir/server.log" \
    -o "-c listen_addresses='' -k $dir -c fsync=off -c max_connections=50" start >/dev/null ||
    { cat "$dir/server.log"; exit 1; }
CULVERT_TEST_REGISTRY="postgresql:///postgres?host=$dir&user=culvert" "$1"
