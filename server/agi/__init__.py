"""The Asterisk Gateway Interface: scripts and servers that steer a call line by line."""
