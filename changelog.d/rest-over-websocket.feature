REST over the events' WebSocket: RESTRequest messages are answered by RESTResponse, before any event that they cause.
