Events can be resumed after any drop (`resume`), shared by several workers (`share`), made smaller and filtered, and
compressed: docs/events.md. StasisBroadcast() with CallBroadcast, CallClaimed and `POST /events/claim`.
