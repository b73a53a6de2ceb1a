"""Dialplans written in Lua: extensions.lua, run by Lua 5.4, each script in a thread of its own."""
