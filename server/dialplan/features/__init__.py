"""What two who talk can do by digits: transfers, recording, hanging up, applications.

The dialplan says who may do what (Dial()'s ``t``, ``T``, ``h`` …), features.conf by which digits.
A channel carries its features (:class:`~server.dialplan.features.watch.DigitFeatures`) into every
basic bridge, so they work after a transfer as before. Whoever is busy with a feature stays a
member of the bridge, suspended, so that its controller notices nothing.
"""
