"""The API's verbs, without HTTP: channels, bridges, playbacks, recordings, endpoints, …

REST, the dialplan, the CLI and every other adapter call the same methods; nothing here knows
which of them it was.
"""
