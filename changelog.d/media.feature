The media engine in C: relaying without decoding, mixing with jitter buffer and loss concealment, players,
recorders, tones, music on hold, talk detection, RTCP; `rtp set debug` logs packets.
