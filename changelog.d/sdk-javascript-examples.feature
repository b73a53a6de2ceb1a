The examples ivr and voicemail also in JavaScript, on the SDK; `channel.ask()` plays a menu until a key is pressed.
