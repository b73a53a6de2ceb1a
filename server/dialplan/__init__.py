"""The dialplan: extensions.conf and what runs it, as an adapter on top of the resources."""
