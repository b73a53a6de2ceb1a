"""One module per configuration file, one frozen dataclass per kind of section."""
