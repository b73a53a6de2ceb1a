#!/bin/sh
# A script that knows nothing but lines: plays, asks for a digit, and leaves it in RESULT.
while read -r line && [ -n "$line" ]; do
	case $line in agi_arg_1:*) prompt=${line#*: } ;; esac
done
ask() { echo "$1"; read -r reply; }
ask "ANSWER"
ask "STREAM FILE $prompt \"123\""
ask "WAIT FOR DIGIT 5000"
code=${reply#*result=}
ask "SET VARIABLE GLOBAL(RESULT) \"shell $code\""
ask "HANGUP"
