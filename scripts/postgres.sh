#!/usr/bin/env bash
# A real PostgreSQL 17 with pgvector, pg_cron, pg_partman and PgBouncer (transaction mode)
# on loopback ports, without Docker: a small Debian in a folder of its own.
# For tests only: trust authentication, no fsync, unless it is started with TENANTRY_PG_SYNC=on, as benchmarks of
# what commits cost want it. Safe to run twice, also at the same time; needs root on Debian or Ubuntu.
#
#   scripts/postgres.sh start    install what is missing, start both servers, print the variables
#   scripts/postgres.sh env      print the variables that the tests read
#   scripts/postgres.sh stop     stop both servers, keep the data
#   scripts/postgres.sh destroy  stop, and remove everything
set -euo pipefail

ROOT=${TENANTRY_PG_ROOT:-/var/lib/tenantry-pg17}
PORT=${TENANTRY_PG_PORT:-54517}
POOLER_PORT=${TENANTRY_POOLER_PORT:-54518}
SYNC=${TENANTRY_PG_SYNC:-off}
BIN=/usr/lib/postgresql/17/bin
HOME_INSIDE=/var/lib/tenantry
DATA=$HOME_INSIDE/data

say() { printf 'postgres.sh: %s\n' "$*" >&2; }
fail() { say "$*"; exit 1; }
inside() { chroot "$ROOT" /usr/bin/env -i PATH="$BIN:/usr/sbin:/usr/bin:/sbin:/bin" LC_ALL=C.UTF-8 "$@"; }
as_postgres() { inside setpriv --reuid=postgres --regid=postgres --clear-groups "$@"; }
answers() { as_postgres "$BIN/pg_isready" -q -h 127.0.0.1 -p "$1"; }
listens() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# Whether the process in a pid file is what we started: a pid may long belong to something else.
runs() { # program, pid file
  local pid
  pid=$(head -n1 "$ROOT$2" 2>/dev/null) && [ -n "$pid" ] || return 1
  [ "$(cat "/proc/$pid/comm" 2>/dev/null)" = "$1" ] && [ "$(readlink "/proc/$pid/root")" = "$(readlink -f "$ROOT")" ]
}
server_runs() { runs postgres "$DATA/postmaster.pid"; }
pooler_runs() { runs pgbouncer "$HOME_INSIDE/pgbouncer.pid"; }

# The mirror that this machine's package manager already uses.
mirror() {
  local uri
  uri=$(sed -nE 's/^URIs:[[:space:]]*([^[:space:]]+).*/\1/p' /etc/apt/sources.list.d/*.sources 2>/dev/null | grep -m1 debian || true)
  [ -n "$uri" ] || uri=$(sed -nE 's/^deb (\[[^]]*\] )?([^ ]+) .*/\2/p' /etc/apt/sources.list 2>/dev/null | grep -m1 debian || true)
  [ -n "$uri" ] || fail 'no Debian mirror in the apt sources; set TENANTRY_DEBIAN_MIRROR'
  printf '%s' "${uri%/}"
}

# What is removed must be ours, and hold nothing that is mounted (an install that was cut off leaves /proc).
remove_root() {
  [ -e "$ROOT" ] || return 0
  if [ ! -f "$ROOT/.tenantry" ] && [ ! -f "$ROOT/.complete" ] && [ -n "$(ls -A "$ROOT")" ]; then
    fail "$ROOT isn't a folder that this script made; move it away or set TENANTRY_PG_ROOT"
  fi
  local mounted
  mounted=$(awk -v root="$(readlink -f "$ROOT")/" 'index($2 "/", root) == 1 { print $2 }' /proc/mounts | sort -r)
  for folder in $mounted; do umount "$folder" || fail "can't unmount $folder"; done
  rm -rf "$ROOT"
}

install_server() {
  [ -x "$ROOT$BIN/postgres" ] && [ -x "$ROOT/usr/sbin/pgbouncer" ] && [ -f "$ROOT/.complete" ] && return
  if ! command -v debootstrap >/dev/null; then
    { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends debootstrap; } \
      </dev/null >/dev/null || fail 'debootstrap is missing and apt-get could not install it'
  fi
  say 'installing PostgreSQL 17 (about a minute)'
  remove_root
  mkdir -p "$ROOT"
  touch "$ROOT/.tenantry"
  local log
  log=$(mktemp)
  debootstrap --variant=minbase \
    --include=postgresql-17,postgresql-17-pgvector,postgresql-17-cron,postgresql-17-partman,pgbouncer \
    trixie "$ROOT" "${TENANTRY_DEBIAN_MIRROR:-$(mirror)}" </dev/null >"$log" 2>&1 ||
    { tail -n 20 "$log" >&2; fail "debootstrap failed; its log is $log"; }
  rm -f "$log" "$ROOT"/var/cache/apt/archives/*.deb
  touch "$ROOT/.complete"
}

prepare_chroot() {
  # A plain folder serves as shared memory: nothing has to be mounted, which containers often forbid.
  mkdir -p "$ROOT/dev/shm" "$ROOT/run/postgresql" "$ROOT$HOME_INSIDE"
  chmod 1777 "$ROOT/dev/shm"
  [ -e "$ROOT/dev/null" ] || mknod -m 666 "$ROOT/dev/null" c 1 3
  [ -e "$ROOT/dev/urandom" ] || mknod -m 666 "$ROOT/dev/urandom" c 1 9
  inside chown postgres:postgres "$HOME_INSIDE" /run/postgresql
}

# A server that was killed leaves its pid file, and for a moment its children. PostgreSQL would take a zombie of
# that pid (nobody reaps in some containers) for a living server.
clear_remains() {
  local process
  for process in /proc/[0-9]*; do
    if [ "$(readlink "$process/root")" = "$(readlink -f "$ROOT")" ] && [ "$(cat "$process/comm")" = postgres ]; then
      kill -9 "${process#/proc/}" || true
    fi
  done 2>/dev/null
  rm -f "$ROOT$DATA/postmaster.pid" "$ROOT"/run/postgresql/.s.PGSQL.*
}

refuse_foreign() { # port, variable
  listens "$1" && fail "port $1 is in use by another program; stop it or set $2"
  return 0
}

start_server() {
  if server_runs; then
    answers "$PORT" && return
    fail "the server in $ROOT runs but doesn't answer on port $PORT; run: $0 stop"
  fi
  refuse_foreign "$PORT" TENANTRY_PG_PORT
  if ! grep -qs "^log_min_messages = fatal" "$ROOT$DATA/postgresql.conf"; then
    # An initdb that was cut off leaves a folder that neither starts nor can be initialized.
    rm -rf "${ROOT:?}$DATA"
    as_postgres "$BIN/initdb" -D "$DATA" -U postgres -A trust -E UTF8 --locale=C.UTF-8 >/dev/null
    cat >>"$ROOT$DATA/postgresql.conf" <<CONF
listen_addresses = '127.0.0.1'
max_connections = 300
shared_buffers = 256MB
shared_preload_libraries = 'pg_cron,pg_stat_statements'
cron.database_name = 'postgres'
log_min_messages = fatal
CONF
  fi
  clear_remains
  local sync="-c fsync=$SYNC -c synchronous_commit=$SYNC -c full_page_writes=$SYNC"
  as_postgres "$BIN/pg_ctl" -D "$DATA" -o "-p $PORT $sync" -l "$DATA/server.log" -w -t 60 start </dev/null >/dev/null ||
    { tail -n 20 "$ROOT$DATA/server.log" >&2; fail 'PostgreSQL did not start'; }
}

start_pooler() {
  if pooler_runs; then
    answers "$POOLER_PORT" && return
    fail "the pooler in $ROOT runs but doesn't answer on port $POOLER_PORT; run: $0 stop"
  fi
  refuse_foreign "$POOLER_PORT" TENANTRY_POOLER_PORT
  rm -f "$ROOT$HOME_INSIDE/pgbouncer.pid"
  cat >"$ROOT$HOME_INSIDE/pgbouncer.ini" <<CONF
[databases]
* = host=127.0.0.1 port=$PORT
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = $POOLER_PORT
unix_socket_dir =
pool_mode = transaction
auth_type = trust
auth_file = $HOME_INSIDE/userlist.txt
auth_user = postgres
auth_dbname = postgres
max_client_conn = 500
default_pool_size = 4
max_prepared_statements = 0
pidfile = $HOME_INSIDE/pgbouncer.pid
logfile = $HOME_INSIDE/pgbouncer.log
CONF
  printf '"postgres" ""\n' >"$ROOT$HOME_INSIDE/userlist.txt"
  as_postgres /usr/sbin/pgbouncer -q -d "$HOME_INSIDE/pgbouncer.ini" </dev/null >/dev/null
  for _ in $(seq 50); do answers "$POOLER_PORT" && return; sleep 0.1; done
  tail -n 20 "$ROOT$HOME_INSIDE/pgbouncer.log" >&2
  fail 'PgBouncer did not start'
}

stop_servers() {
  if pooler_runs; then kill "$(head -n1 "$ROOT$HOME_INSIDE/pgbouncer.pid")"; fi
  if server_runs; then as_postgres "$BIN/pg_ctl" -D "$DATA" -m fast -w stop >/dev/null; fi
}

print_env() {
  printf 'export TEST_DATABASE_URL=postgres://postgres@127.0.0.1:%s/postgres\n' "$PORT"
  printf 'export TEST_POOLER_URL=postgres://postgres@127.0.0.1:%s/postgres\n' "$POOLER_PORT"
}

# One at a time. The lock must not be inherited by the servers, which would hold it for as long as they run.
alone() {
  [ "$(id -u)" = 0 ] || fail "'$1' needs root"
  mkdir -p "$(dirname "$ROOT")"
  exec 9>"$ROOT.lock"
  flock 9
}

case "${1:-start}" in
  start)
    alone start
    install_server
    { prepare_chroot; start_server; start_pooler; } 9>&-
    print_env
    ;;
  env) print_env ;;
  stop) alone stop; stop_servers ;;
  destroy) alone destroy; stop_servers; remove_root; rm -f "$ROOT.lock" ;;
  *) fail "unknown command '$1' (start, env, stop, destroy)" ;;
esac
