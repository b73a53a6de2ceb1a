The OpenAPI document, its explorer and the events' schemas have an example of every request, answer and event, and every operation says when to use it and what it refuses.
