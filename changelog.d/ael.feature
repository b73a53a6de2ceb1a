AEL: extensions.ael is read beside extensions.conf, in full; mistakes are named with file, line and column. `arion ael
print` shows it as extensions.conf, `ael reload` reads it again, AELSub() calls its macros.
