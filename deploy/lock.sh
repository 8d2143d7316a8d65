#!/bin/sh
# Makes the lock files anew, for every Python from 3.11 on; needs uv (pip install uv).
set -eu
cd "$(dirname "$0")/.."
lock() {
  uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes \
    --custom-compile-command "sh deploy/lock.sh" "$@"
}
lock pyproject.toml --extra lambda --output-file deploy/requirements.txt
lock deploy/requirements-build.in --output-file deploy/requirements-build.txt
