extensions.conf in full: switch, eswitch and lswitch with Loopback, hints with device and presence states, labels as
priorities; `dialplan add`, `remove`, `save`, `set`, `eval function` and `debug` on the console.
