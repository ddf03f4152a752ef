#!/bin/sh
# Find a Python that really runs and is recent enough, then hand over: ops/bootstrap.sh VERB [ARGUMENT...]
# PYTHON=/path/to/python chooses the one that .venv is made of.
set -eu
cd "$(dirname "$0")/.."
unset PYTHONHOME PYTHONSAFEPATH

# By running it: a pyenv shim exists for versions that are not there, and answers 127.
runs() {
  "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' </dev/null >/dev/null 2>&1
}

# Debian leaves venv and ensurepip out of its python3; a home-built Python may lack the others.
suits() {
  runs "$1" && "$1" -c 'import ctypes, ensurepip, sqlite3, ssl, venv' </dev/null >/dev/null 2>&1
}

if [ -x .venv/bin/python ] && runs .venv/bin/python; then
  exec .venv/bin/python -m ops "$@"
fi

# 3.12 first: it has wheels for everything in the locks, and the cut-out model's wheel stops there.
candidates() {
  if [ -n "${PYTHON:-}" ]; then
    printf '%s\n' "$PYTHON"
    return
  fi
  home="${HOME:-/nonexistent}"
  for version in 3.12 3.11 3.13 3.14; do
    printf '%s\n' "python$version"
    for path in "${PYENV_ROOT:-$home/.pyenv}/versions/$version".*/bin/python \
      "$home"/.local/share/uv/python/cpython-"$version"*/bin/python \
      "/usr/local/bin/python$version" "/opt/homebrew/bin/python$version" "/usr/bin/python$version"; do
      if [ -x "$path" ]; then printf '%s\n' "$path"; fi
    done
  done
  printf '%s\n' python3 python
}

half=""
while IFS= read -r candidate; do
  if suits "$candidate"; then
    exec "$candidate" -m ops "$@"
  elif [ -z "$half" ] && runs "$candidate"; then
    half="$candidate"
  fi
done <<EOF
$(candidates)
EOF

if [ -n "$half" ]; then
  echo "Found $half, but without its venv module (on Debian and Ubuntu: apt install python3-venv)." >&2
fi
echo "Paiban needs Python 3.11 or newer; none was found. Name one: PYTHON=/path/to/python3.12 make $1" >&2
exit 1
