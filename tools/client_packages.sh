#!/bin/sh
# Install the clients and checkers that tests/interop/clients runs: from npm and PyPI, by their lock
# files, into build/clients. usage: client_packages.sh
set -eu
cd "$(dirname "$0")/.."
locked=tests/interop/clients
target=build/clients

mkdir -p "$target/node"
# Debian has npm in a package of its own; other builds of Node bring it.
command -v npm >/dev/null || echo npm | tools/system_packages.sh -
cp "$locked/node/package.json" "$locked/node/package-lock.json" "$target/node/"
npm ci --prefix "$target/node" --ignore-scripts --no-audit --no-fund --loglevel=error

[ -x "$target/python/bin/pip" ] || python3 -m venv "$target/python"
"$target/python/bin/pip" install -q --require-hashes -r "$locked/python/requirements.lock"
