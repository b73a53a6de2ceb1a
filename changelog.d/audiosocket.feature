AudioSocket: `POST /channels/externalMedia` with `audiosocket` over `tcp`, `AudioSocket/host:port/uuid[/c(codec)]` in Dial() and originate, and the application AudioSocket().
