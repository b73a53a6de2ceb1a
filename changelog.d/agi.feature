AGI, EAGI, FastAGI (`agi://`, `hagi://`) and AsyncAGI sessions with every command, and ExternalIVR: scripts and libraries for Asterisk run unchanged. [docs](docs/agi.md)
