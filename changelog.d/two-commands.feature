`make run` sets everything up and starts the server with demo applications; `make call` needs no phone.
