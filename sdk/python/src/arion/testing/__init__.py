"""Tests of applications: a server on free ports, and phones that follow a script.

::

    from arion.testing import Server, ServerConfig, running

    config = ServerConfig(dialplan={"1000": "Stasis(hello)"}, prompts=["hello-world"])
    with Server(config) as server:
        async with running(server, "hello", hello), server.phone("alice") as alice:
            await alice.call("1000")
            await alice.hears("hello-world")
            await alice.press("#")
            await alice.hears_hangup()

``arion.testing.plugin`` has fixtures for pytest; ``python -m arion.testing.remote`` is for tests in
other languages.
"""

from arion.testing.apps import running as running
from arion.testing.audio import RATE as RATE
from arion.testing.audio import read_wav as read_wav
from arion.testing.audio import write_wav as write_wav
from arion.testing.call import Call as Call
from arion.testing.call import CallFailed as CallFailed
from arion.testing.hearing import NotHeard as NotHeard
from arion.testing.phone import Phone as Phone
from arion.testing.prompts import make_prompt as make_prompt
from arion.testing.server import Server as Server
from arion.testing.server import ServerConfig as ServerConfig
