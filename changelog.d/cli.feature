The console: aliases (cli_aliases.conf), permissions (cli_permissions.conf), commands at start (cli.conf), `ASTERISK_PROMPT`
and some ninety more of Asterisk's commands (database, pjsip history and channelstats, manager, mwi, codecs …), with
their own [page](docs/cli.md) and a manual page. Long lists come piece by piece.
