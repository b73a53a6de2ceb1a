"""Client of the Arion media server and of the Asterisk REST Interface.

::

    async def hello(channel: arion.Channel, args: list[str]) -> None:
        await channel.answer()
        await channel.say("sound:hello-world")
        await channel.hangup()

    async with arion.Client("http://127.0.0.1:8088/ari", "arion", password) as client:
        await client.run("hello", hello)
"""

from arion._client import CallHandler as CallHandler
from arion._client import Client as Client
from arion._errors import ApiError as ApiError
from arion._errors import ArionError as ArionError
from arion._errors import BadRequest as BadRequest
from arion._errors import ChannelGone as ChannelGone
from arion._errors import Conflict as Conflict
from arion._errors import ConnectionFailed as ConnectionFailed
from arion._errors import Forbidden as Forbidden
from arion._errors import InvalidState as InvalidState
from arion._errors import NotFound as NotFound
from arion._errors import NotListening as NotListening
from arion._errors import PlaybackError as PlaybackError
from arion._errors import RecordingError as RecordingError
from arion._errors import ServerFailed as ServerFailed
from arion._errors import Unauthorized as Unauthorized
from arion._errors import Unprocessable as Unprocessable
from arion._events import EventStream as EventStream
from arion._types import (
    AdditionalParam as AdditionalParam,
)
from arion._types import (
    AnyEvent as AnyEvent,
)
from arion._types import (
    Application as Application,
)
from arion._types import (
    ApplicationMoveFailed as ApplicationMoveFailed,
)
from arion._types import (
    ApplicationRegistered as ApplicationRegistered,
)
from arion._types import (
    ApplicationReplaced as ApplicationReplaced,
)
from arion._types import (
    ApplicationUnregistered as ApplicationUnregistered,
)
from arion._types import (
    AsteriskInfo as AsteriskInfo,
)
from arion._types import (
    AsteriskPing as AsteriskPing,
)
from arion._types import (
    Bridge as Bridge,
)
from arion._types import (
    BridgeAttendedTransfer as BridgeAttendedTransfer,
)
from arion._types import (
    BridgeBlindTransfer as BridgeBlindTransfer,
)
from arion._types import (
    BridgeCreated as BridgeCreated,
)
from arion._types import (
    BridgeDestroyed as BridgeDestroyed,
)
from arion._types import (
    BridgeMerged as BridgeMerged,
)
from arion._types import (
    BridgeVideoSourceChanged as BridgeVideoSourceChanged,
)
from arion._types import (
    BuildInfo as BuildInfo,
)
from arion._types import (
    CallBroadcast as CallBroadcast,
)
from arion._types import (
    CallClaimed as CallClaimed,
)
from arion._types import (
    CallerID as CallerID,
)
from arion._types import (
    Channel as Channel,
)
from arion._types import (
    ChannelCallerId as ChannelCallerId,
)
from arion._types import (
    ChannelConnectedLine as ChannelConnectedLine,
)
from arion._types import (
    ChannelCreated as ChannelCreated,
)
from arion._types import (
    ChannelDestroyed as ChannelDestroyed,
)
from arion._types import (
    ChannelDialplan as ChannelDialplan,
)
from arion._types import (
    ChannelDtmfReceived as ChannelDtmfReceived,
)
from arion._types import (
    ChannelEnteredBridge as ChannelEnteredBridge,
)
from arion._types import (
    ChannelHangupRequest as ChannelHangupRequest,
)
from arion._types import (
    ChannelHold as ChannelHold,
)
from arion._types import (
    ChannelLeftBridge as ChannelLeftBridge,
)
from arion._types import (
    ChannelStateChange as ChannelStateChange,
)
from arion._types import (
    ChannelTalkingFinished as ChannelTalkingFinished,
)
from arion._types import (
    ChannelTalkingStarted as ChannelTalkingStarted,
)
from arion._types import (
    ChannelToneDetected as ChannelToneDetected,
)
from arion._types import (
    ChannelTransfer as ChannelTransfer,
)
from arion._types import (
    ChannelUnhold as ChannelUnhold,
)
from arion._types import (
    ChannelUserevent as ChannelUserevent,
)
from arion._types import (
    ChannelVarset as ChannelVarset,
)
from arion._types import (
    ConfigInfo as ConfigInfo,
)
from arion._types import (
    ContactInfo as ContactInfo,
)
from arion._types import (
    ContactStatusChange as ContactStatusChange,
)
from arion._types import (
    DeviceState as DeviceState,
)
from arion._types import (
    DeviceStateChanged as DeviceStateChanged,
)
from arion._types import (
    Dial as Dial,
)
from arion._types import (
    DialplanCEP as DialplanCEP,
)
from arion._types import (
    Endpoint as Endpoint,
)
from arion._types import (
    EndpointStateChange as EndpointStateChange,
)
from arion._types import (
    Event as Event,
)
from arion._types import (
    FormatLangPair as FormatLangPair,
)
from arion._types import (
    LiveRecording as LiveRecording,
)
from arion._types import (
    MissingParams as MissingParams,
)
from arion._types import (
    Peer as Peer,
)
from arion._types import (
    PeerStatusChange as PeerStatusChange,
)
from arion._types import (
    Playback as Playback,
)
from arion._types import (
    PlaybackContinuing as PlaybackContinuing,
)
from arion._types import (
    PlaybackFinished as PlaybackFinished,
)
from arion._types import (
    PlaybackStarted as PlaybackStarted,
)
from arion._types import (
    RecordingFailed as RecordingFailed,
)
from arion._types import (
    RecordingFinished as RecordingFinished,
)
from arion._types import (
    RecordingStarted as RecordingStarted,
)
from arion._types import (
    ReferredBy as ReferredBy,
)
from arion._types import (
    ReferTo as ReferTo,
)
from arion._types import (
    RequiredDestination as RequiredDestination,
)
from arion._types import (
    RESTResponse as RESTResponse,
)
from arion._types import (
    RTPstat as RTPstat,
)
from arion._types import (
    SetId as SetId,
)
from arion._types import (
    Sound as Sound,
)
from arion._types import (
    StasisEnd as StasisEnd,
)
from arion._types import (
    StasisStart as StasisStart,
)
from arion._types import (
    StatusInfo as StatusInfo,
)
from arion._types import (
    StoredRecording as StoredRecording,
)
from arion._types import (
    SystemInfo as SystemInfo,
)
from arion._types import (
    TextMessage as TextMessage,
)
from arion._types import (
    TextMessageReceived as TextMessageReceived,
)
from arion._types import (
    UnknownEvent as UnknownEvent,
)
from arion._types import (
    Variable as Variable,
)
from arion._types import (
    Variables as Variables,
)
