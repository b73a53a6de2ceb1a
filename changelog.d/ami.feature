AMI, the manager interface, over TCP, TLS and HTTP: actions, events and manager.conf as Asterisk has them; panoramisk, pyst2, asterisk-manager and nami work unchanged. [docs](docs/ami.md)
