"""The commands by family. Importing this package declares all of them."""

from server.agi.commands import calls, database, media, recording, say, speech, texts, variables

FAMILIES = (calls, database, media, recording, say, speech, texts, variables)
