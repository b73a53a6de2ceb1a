"""Client of the Arion media server and of the Asterisk REST Interface.

::

    async def hello(channel: arion.Channel, args: list[str]) -> None:
        await channel.answer()
        await channel.say("sound:hello-world")
        await channel.hangup()

    async with arion.Client("http://127.0.0.1:8088/ari", "arion", password) as client:
        await client.run("hello", hello)

``arion.sync`` is the same without ``await``; ``arion.testing`` tests applications.
"""

from arion._client import BridgeScope as BridgeScope
from arion._client import CallHandler as CallHandler
from arion._client import Client as Client
from arion._client import ReofferHandler as ReofferHandler
from arion._errors import ApiError as ApiError
from arion._errors import ArionError as ArionError
from arion._errors import BadRequest as BadRequest
from arion._errors import ChannelGone as ChannelGone
from arion._errors import ClientClosed as ClientClosed
from arion._errors import Conflict as Conflict
from arion._errors import ConnectionFailed as ConnectionFailed
from arion._errors import Forbidden as Forbidden
from arion._errors import InternalError as InternalError
from arion._errors import InvalidState as InvalidState
from arion._errors import MethodNotAllowed as MethodNotAllowed
from arion._errors import NotAnswered as NotAnswered
from arion._errors import NotFound as NotFound
from arion._errors import NotListening as NotListening
from arion._errors import NotSupported as NotSupported
from arion._errors import PlaybackError as PlaybackError
from arion._errors import RecordingError as RecordingError
from arion._errors import ServerFailed as ServerFailed
from arion._errors import TimedOut as TimedOut
from arion._errors import TooLarge as TooLarge
from arion._errors import TooManyRequests as TooManyRequests
from arion._errors import Unauthorized as Unauthorized
from arion._errors import Unavailable as Unavailable
from arion._errors import Unprocessable as Unprocessable
from arion._events import EventStream as EventStream
from arion._events import Expectation as Expectation
from arion._feed import Share as Share
from arion._main import run as run
from arion._types import *  # noqa: F403 - the values and events, as its __all__ lists them
