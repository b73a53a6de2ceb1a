#!/bin/sh
# Fuzz the parsers: the libFuzzer targets and the Python fuzzers of tests/fuzz share $FUZZ_SECONDS.
# What makes one fail stays in tests/output, or is printed.
set -eu
seconds=${FUZZ_SECONDS:-600}
targets=$(find tests/fuzz -name 'fuzz_*' \( -name '*.c' -o -name '*.py' \) | wc -l)
each=$((seconds / targets))
[ "$each" -gt 0 ] || each=1

make --no-print-directory -C tests/media/c fuzz FUZZ_SECONDS="$each"
for fuzzer in tests/fuzz/fuzz_*.py; do
	name=$(basename "$fuzzer" .py)
	echo "$name for $each s"
	PYTHONPATH=. python -W error -m "tests.fuzz.$name" "$each"
done
