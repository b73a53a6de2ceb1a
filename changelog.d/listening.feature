`MixMonitor()` records both sides of a call in step, with every option of Asterisk; `ChanSpy()` and `ExtenSpy()` listen, whisper and barge in; `Broadcast()` speaks to many channels.
