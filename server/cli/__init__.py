"""The command line: the server's flags, the control socket, the console and its commands."""
