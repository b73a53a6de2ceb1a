"""The Asterisk Extension Language, version 2: extensions.ael becomes lines of extensions.conf."""
