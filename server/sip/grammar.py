"""The lexical rules of RFC 3261 section 25.1 that the parsers share."""
