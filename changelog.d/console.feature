The console: `arion -r`, `-rx` and `-c` with history, completion and Asterisk's commands; `arion config
check` reads a configuration and says what would not work.
