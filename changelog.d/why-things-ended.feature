Events say why: PlaybackFinished, RecordingFinished, RecordingFailed, ChannelDestroyed and Dial carry reasons for consumers
that asked for more than Asterisk sends: docs/events.md.
