"""Configuration: Asterisk's ``.conf`` files read into frozen settings, one class per section."""
