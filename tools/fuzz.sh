#!/bin/sh
# Fuzz the parsers: every libFuzzer target of tests/fuzz/*.c and every hypothesis test of
# tests/property, sharing $FUZZ_SECONDS. A crash input stays in build/fuzz/<target>/.
set -eu
seconds=${FUZZ_SECONDS:-600}
out=build/fuzz
core=server/media/core
flags="-std=c11 -O1 -g -D_GNU_SOURCE -I$core -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all"

targets=$(find tests/fuzz -name 'fuzz_*.c' | sort)
# Half of the time goes to C, half to Python.
each=$((seconds / 2 / $(printf '%s\n' "$targets" | grep -c . || echo 1)))
[ "$each" -gt 0 ] || each=1

for source in $targets; do
	name=$(basename "$source" .c)
	corpus=$out/$name/corpus
	mkdir -p "$corpus"
	# shellcheck disable=SC2086 # flags are words
	clang $flags -o "$out/$name/$name" "$source" $core/*.c -lspeexdsp -lgsm -lm -pthread
	echo "fuzzing $name for $each s"
	"$out/$name/$name" -max_total_time="$each" -timeout=10 -rss_limit_mb=2048 \
		-artifact_prefix="$out/$name/" -print_final_stats=0 -verbosity=0 "$corpus"
done

echo "fuzzing the Python parsers for about $((seconds / 2)) s"
end=$(($(date +%s) + seconds / 2))
while :; do
	HYPOTHESIS_PROFILE=fuzz pytest -q -p no:cacheprovider --timeout=0 tests/property tests/fuzz
	[ "$(date +%s)" -lt "$end" ] || break
done
