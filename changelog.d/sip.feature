SIP over UDP and TCP, IPv4 and IPv6, configured by pjsip.conf: registration, digest authentication, calls
both ways, hold, session timers, DTMF by RFC 4733 and INFO.
