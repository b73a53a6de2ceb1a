HTTP/3: `http3 = yes` in http.conf serves REST and, over WebTransport, events at the port of TLS over UDP, announced by Alt-Svc.
