Webhooks (`type=webhook` in ari.conf): an application may be an HTTP(S) URL that gets signed events in order, with retries and a
dead-letter log, and answers with REST commands; `ari show webhooks`.
