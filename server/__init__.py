"""Arion: an ARI-first programmable media server."""

__version__ = "0.1.0"
