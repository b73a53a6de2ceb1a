The dialplan: extensions.conf with its patterns, variables, expressions and includes, about fifty
applications (Dial, Playback, Record, Read, Stasis, Gosub …) and as many functions; `dialplan reload`
leaves calls alone.
