#!/usr/bin/env bash
# Set-up, build, serve, test: `./build.sh help` says what it can do. The work is done by wasm/build.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

for python in python3 python3.14 python3.13 python3.12 python3.11 python; do
  if command -v "$python" >/dev/null && "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
    exec "$python" -m wasm.build "$@"
  fi
done
echo "build.sh: Python 3.11 or newer was not found; install it (Debian, Ubuntu: apt-get install python3 python3-venv; macOS: brew install python) and run this again" >&2
exit 1
