#!/usr/bin/env bash
# A real PostgreSQL 17 with pgvector, pg_cron, pg_partman and PgBouncer (transaction mode)
# on loopback ports, without Docker: a small Debian in a folder of its own.
# For tests only: trust authentication, no fsync. Safe to run twice; needs root on Debian or Ubuntu.
#
#   scripts/postgres.sh start    install what is missing, start both servers
#   scripts/postgres.sh env      print the variables that the tests read
#   scripts/postgres.sh stop     stop both servers, keep the data
#   scripts/postgres.sh destroy  stop, and remove everything
set -euo pipefail

ROOT=${TENANTRY_PG_ROOT:-/var/lib/tenantry-pg17}
PORT=${TENANTRY_PG_PORT:-54517}
POOLER_PORT=${TENANTRY_POOLER_PORT:-54518}
BIN=/usr/lib/postgresql/17/bin
DATA=/var/lib/tenantry/data

say() { printf 'postgres.sh: %s\n' "$*" >&2; }
fail() { say "$*"; exit 1; }
inside() { chroot "$ROOT" /usr/bin/env -i PATH="$BIN:/usr/sbin:/usr/bin:/sbin:/bin" LC_ALL=C.UTF-8 "$@"; }
as_postgres() { inside setpriv --reuid=postgres --regid=postgres --clear-groups "$@"; }
ready() { as_postgres "$BIN/pg_isready" -q -h 127.0.0.1 -p "$PORT"; }
pooler_ready() { as_postgres "$BIN/pg_isready" -q -h 127.0.0.1 -p "$POOLER_PORT"; }

# The mirror that this machine's package manager already uses.
mirror() {
  local uri
  uri=$(sed -nE 's/^URIs:[[:space:]]*([^[:space:]]+).*/\1/p' /etc/apt/sources.list.d/*.sources 2>/dev/null | grep -m1 debian || true)
  [ -n "$uri" ] || uri=$(sed -nE 's/^deb (\[[^]]*\] )?([^ ]+) .*/\2/p' /etc/apt/sources.list 2>/dev/null | grep -m1 debian || true)
  [ -n "$uri" ] || fail 'no Debian mirror in the apt sources; set TENANTRY_DEBIAN_MIRROR'
  printf '%s' "${uri%/}"
}

install_server() {
  [ -x "$ROOT$BIN/postgres" ] && [ -x "$ROOT/usr/sbin/pgbouncer" ] && [ -f "$ROOT/.complete" ] && return
  [ "$(id -u)" = 0 ] || fail 'installing needs root'
  if ! command -v debootstrap >/dev/null; then
    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq debootstrap >/dev/null
  fi
  say 'installing PostgreSQL 17 (about a minute)'
  rm -rf "$ROOT"
  debootstrap --variant=minbase \
    --include=postgresql-17,postgresql-17-pgvector,postgresql-17-cron,postgresql-17-partman,pgbouncer \
    trixie "$ROOT" "${TENANTRY_DEBIAN_MIRROR:-$(mirror)}" >"${TMPDIR:-/tmp}/tenantry-debootstrap.log" 2>&1 ||
    { tail -n 20 "${TMPDIR:-/tmp}/tenantry-debootstrap.log" >&2; fail 'debootstrap failed'; }
  touch "$ROOT/.complete"
}

prepare_chroot() {
  mkdir -p "$ROOT/dev/shm" "$ROOT/run/postgresql"
  mountpoint -q "$ROOT/dev/shm" || mount -t tmpfs tmpfs "$ROOT/dev/shm"
  [ -e "$ROOT/dev/null" ] || mknod -m 666 "$ROOT/dev/null" c 1 3
  [ -e "$ROOT/dev/urandom" ] || mknod -m 666 "$ROOT/dev/urandom" c 1 9
  mkdir -p "$ROOT$(dirname "$DATA")"
  inside chown -R postgres:postgres "$(dirname "$DATA")" /run/postgresql
}

start_server() {
  ready && return
  if [ ! -f "$ROOT$DATA/PG_VERSION" ]; then
    as_postgres "$BIN/initdb" -D "$DATA" -U postgres -A trust -E UTF8 --locale=C.UTF-8 >/dev/null
    cat >>"$ROOT$DATA/postgresql.conf" <<CONF
listen_addresses = '127.0.0.1'
port = $PORT
max_connections = 300
shared_buffers = 256MB
shared_preload_libraries = 'pg_cron,pg_stat_statements'
cron.database_name = 'postgres'
fsync = off
synchronous_commit = off
full_page_writes = off
log_min_messages = fatal
CONF
  fi
  # A server that was killed leaves its pid file; pg_ctl itself tells a stale one from a live one.
  as_postgres "$BIN/pg_ctl" -D "$DATA" -l "$DATA/server.log" -w -t 60 start >/dev/null ||
    { tail -n 20 "$ROOT$DATA/server.log" >&2; fail 'PostgreSQL did not start'; }
}

start_pooler() {
  pooler_ready && return
  cat >"$ROOT/var/lib/tenantry/pgbouncer.ini" <<CONF
[databases]
* = host=127.0.0.1 port=$PORT
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = $POOLER_PORT
unix_socket_dir =
pool_mode = transaction
auth_type = trust
auth_file = /var/lib/tenantry/userlist.txt
auth_user = postgres
auth_dbname = postgres
max_client_conn = 500
default_pool_size = 4
max_prepared_statements = 0
pidfile = /var/lib/tenantry/pgbouncer.pid
logfile = /var/lib/tenantry/pgbouncer.log
CONF
  printf '"postgres" ""\n' >"$ROOT/var/lib/tenantry/userlist.txt"
  inside chown -R postgres:postgres /var/lib/tenantry
  as_postgres /usr/sbin/pgbouncer -q -d /var/lib/tenantry/pgbouncer.ini
  for _ in $(seq 50); do pooler_ready && return; sleep 0.1; done
  fail 'PgBouncer did not start'
}

stop_servers() {
  [ -f "$ROOT/var/lib/tenantry/pgbouncer.pid" ] &&
    kill "$(cat "$ROOT/var/lib/tenantry/pgbouncer.pid")" 2>/dev/null || true
  if ready; then as_postgres "$BIN/pg_ctl" -D "$DATA" -m fast -w stop >/dev/null; fi
}

print_env() {
  printf 'export TEST_DATABASE_URL=postgres://postgres@127.0.0.1:%s/postgres\n' "$PORT"
  printf 'export TEST_POOLER_URL=postgres://postgres@127.0.0.1:%s/postgres\n' "$POOLER_PORT"
}

case "${1:-start}" in
  start) install_server; prepare_chroot; start_server; start_pooler; print_env ;;
  env) print_env ;;
  stop) stop_servers ;;
  destroy) stop_servers; umount "$ROOT/dev/shm" 2>/dev/null || true; rm -rf "$ROOT" ;;
  *) fail "unknown command '$1' (start, env, stop, destroy)" ;;
esac
