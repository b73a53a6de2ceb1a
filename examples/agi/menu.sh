#!/bin/sh
# AGI(menu.sh): plays until a key, says it, and leaves it in KEY.

# What there is to know about the call comes first, up to an empty line.
while read -r line && [ -n "$line" ]; do :; done

# ask COMMAND: send it, and put the number of "200 result=number" into $result.
ask() {
	echo "$1"
	read -r reply || exit 0
	result=${reply#*result=}
	result=${result%% *}
}

ask "ANSWER"
ask 'STREAM FILE hello-world "0123456789"'
[ "$result" -gt 0 ] || ask "WAIT FOR DIGIT 5000"
[ "$result" -gt 0 ] || exit 0 # -1: the caller has hung up
key=$((result - 48))          # a digit's character code
ask "SAY DIGITS $key \"\""
ask "SET VARIABLE KEY $key"
