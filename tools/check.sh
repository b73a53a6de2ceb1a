#!/bin/sh
# What must hold before a change lands: format, lint, types, layers, generated files, house rules.
# Runs every check and fails at the end if one did. usage: check.sh PYTHON_FOLDER...
set -u
failed=0

check() {
	name=$1
	shift
	if output=$("$@" 2>&1); then
		echo "ok      $name"
	else
		echo "FAILED  $name"
		printf '%s\n' "$output" | tail -n 60
		failed=1
	fi
}

# Succeeds when no tracked file matches. usage: none PATTERN PATHSPEC...
none() {
	pattern=$1
	shift
	! git grep -nE "$pattern" -- "$@"
}

# Strict types outside of server/, where pyproject.toml does not reach. usage: mypy_of PATH ARG...
mypy_of() {
	path=$1
	shift
	MYPYPATH=$path mypy --strict --config-file= "$@"
}

c_format() {
	git ls-files -z '*.c' '*.h' | xargs -0r clang-format --dry-run --Werror
}

check "format of Python" ruff format --check "$@"
check "lint of Python" ruff check "$@"
check "types (mypy --strict)" mypy
check "types of the SDK" mypy_of sdk/python/src -p arion
check "types of the tools" mypy_of tools:sdk/python/src tools/run.py tools/call.py
check "types of the applications" mypy_of sdk/python/src:. --explicit-package-bases examples/apps
check "import layers" lint-imports --no-cache
check "format of C" c_format
check "generated files in sync" python tools/generate.py --check
check "workers never touch the GIL" none 'PyGILState_' 'server/media/*'
check "the core never includes Python.h" none 'Python\.h' 'server/media/core/*'
check "tasks belong to a scope" none 'asyncio\.(create_task|ensure_future)\(' 'server/*.py'
check "no tests are skipped for good" none 'pytest\.mark\.skip\(' 'tests/*.py'
exit $failed
