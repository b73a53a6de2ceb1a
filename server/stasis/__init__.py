"""Events and who gets them: the ordered bus, Stasis applications and their subscriptions.

This layer knows ids and events, never the resources themselves.
"""
