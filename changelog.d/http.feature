HTTP: gzip in both directions, conditional and range requests on stored recordings (ETag, Last-Modified), 408 for clients
that are too slow, 415 for bodies in an unknown coding.
