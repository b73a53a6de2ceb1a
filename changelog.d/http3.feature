HTTP/3: `http3 = yes` in http.conf serves the REST interface over QUIC too, at the port of TLS over UDP, announced by Alt-Svc.
