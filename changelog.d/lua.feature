Lua: extensions.lua is read beside extensions.conf. Scripts run in Lua 5.4 in threads of their own, with limits: a busy
script holds up its own call only.
