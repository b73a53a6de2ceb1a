"""The media engine: sockets, codecs, mixers, players and recorders in C, steered from Python."""
