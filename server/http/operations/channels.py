"""Operations of the tag ``channels``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from server.base.suspension import attempt
from server.http.services import Services

BINDINGS: Mapping[str, Callable[[Services], Callable[..., Any]]] = {
    "channels.list": lambda services: services.channels.list,
    "channels.originate": lambda services: services.channels.originate,
    "channels.create": lambda services: services.channels.create,
    "channels.externalMedia": lambda services: services.channels.external_media,
    "channels.get": lambda services: services.channels.get,
    "channels.originateWithId": lambda services: services.channels.originate,
    "channels.hangupMany": lambda services: services.channels.hangup_many,
    "channels.hangup": lambda services: services.channels.hangup,
    "channels.continueInDialplan": lambda services: services.channels.continue_in_dialplan,
    "channels.move": lambda services: services.channels.move,
    "channels.redirect": lambda services: services.channels.redirect,
    "channels.transfer_progress": lambda services: services.channels.transfer_progress,
    "channels.answer": lambda services: services.channels.answer,
    "channels.ring": lambda services: services.channels.ring,
    "channels.ringStop": lambda services: services.channels.ring_stop,
    "channels.progress": lambda services: services.channels.progress,
    "channels.sendDTMF": lambda services: services.channels.send_dtmf,
    "channels.mute": lambda services: services.channels.mute,
    "channels.unmute": lambda services: services.channels.unmute,
    "channels.hold": lambda services: services.channels.hold,
    "channels.unhold": lambda services: services.channels.unhold,
    "channels.startMoh": lambda services: services.channels.start_moh,
    "channels.stopMoh": lambda services: services.channels.stop_moh,
    "channels.startSilence": lambda services: services.channels.start_silence,
    "channels.stopSilence": lambda services: services.channels.stop_silence,
    "channels.play": lambda services: services.channels.play,
    "channels.playWithId": lambda services: services.channels.play,
    "channels.record": lambda services: services.channels.record,
    "channels.getChannelVar": lambda services: partial(attempt, services.channels.get_variable),
    "channels.setChannelVar": lambda services: partial(attempt, services.channels.set_variable),
    "channels.getChannelVars": lambda services: partial(attempt, services.channels.get_variables),
    "channels.setChannelVars": lambda services: partial(attempt, services.channels.set_variables),
    "channels.dial": lambda services: services.channels.dial,
    "channels.snoopChannel": lambda services: services.channels.snoop,
    "channels.snoopChannelWithId": lambda services: services.channels.snoop,
    "channels.rtpstatistics": lambda services: services.channels.rtp_statistics,
    "channels.timeline": lambda services: services.timelines.get,
}
