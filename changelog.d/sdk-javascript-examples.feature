All example applications also in JavaScript, on the SDK, with tests by phone.
