#!/bin/sh
# What a container of this image does: entrypoint.sh VERB [ARGUMENT...]
set -eu
cd "$(dirname "$0")/../.."

usage() {
  cat <<'TEXT'
usage: entrypoint.sh VERB [ARGUMENT...]

  web         serve HTTP and websockets on port 8000 (WEB_PROCESSES, default 2)
  worker      run tasks (WORKER_CONCURRENCY, default 8; WORKER_QUEUES, default pipelines)
  beat        send the periodic jobs; one container is enough
  dispatcher  hand queued tasks to the workers
  migrate     bring the database up to date, then exit
  manage      any management command: manage reset_admin_password
  healthy     exit 0 when the web process answers
TEXT
}

verb="${1:-}"
[ $# -eq 0 ] || shift
data="${PAIBAN_DATA_DIR:-/data}"

case "$verb" in
  web)
    exec uvicorn config.asgi:application --host 0.0.0.0 --port 8000 --workers "${WEB_PROCESSES:-2}" \
      --lifespan on --no-server-header --no-access-log --proxy-headers --forwarded-allow-ips "${PROXY_IPS:-127.0.0.1}" \
      --timeout-graceful-shutdown 30 --log-level warning "$@"
    ;;
  worker)
    # TERM lets running tasks finish for a while, then hands them back (REMAP_SIGTERM in the image).
    exec celery --quiet --app config.celery worker --pool threads --concurrency "${WORKER_CONCURRENCY:-8}" \
      --queues "${WORKER_QUEUES:-pipelines}" --without-gossip --without-mingle --loglevel WARNING "$@"
    ;;
  beat)
    exec celery --quiet --app config.celery beat --schedule "$data/celerybeat-schedule" --pidfile= \
      --loglevel WARNING "$@"
    ;;
  dispatcher) exec python manage.py dispatcher "$@" ;;
  migrate) exec python manage.py migrate --noinput "$@" ;;
  manage) exec python manage.py "$@" ;;
  healthy)
    exec python -c 'import urllib.request
urllib.request.urlopen("http://127.0.0.1:8000/health", timeout=4).read()'
    ;;
  -h | --help | help) usage ;;
  *)
    echo "entrypoint.sh: no such verb: ${verb:-(none)}" >&2
    usage >&2
    exit 64
    ;;
esac
