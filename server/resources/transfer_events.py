"""What is published of transfers: ChannelTransfer, BridgeBlindTransfer, BridgeAttendedTransfer."""

from __future__ import annotations

from collections.abc import Sequence

from server.model import events
from server.model.wire import Snapshot, snapshot
from server.resources.bridge import Bridge
from server.resources.channel import Channel
from server.stasis.topics import Topic
from server.tech.base import Transfer


def publish_wish(channel: Channel, transfer: Transfer) -> None:
    """Publish that the far end of *channel* asks for a transfer."""
    if not channel.has_audience:
        return
    consulted = transfer.consultation.listener if transfer.consultation is not None else None
    target = consulted if isinstance(consulted, Channel) else None
    refer_to = events.ReferTo(
        requested_destination=_destination(transfer),
        destination_channel=_shown(target),
        connected_channel=_shown(partner(target)),
        bridge=_shown(target.bridge if target is not None else None),
    )
    referred_by = events.ReferredBy(
        source_channel=channel.snapshot(),
        connected_channel=_shown(partner(channel)),
        bridge=_shown(channel.bridge),
    )
    channel.publish(
        events.channel_transfer(refer_to=snapshot(refer_to), referred_by=snapshot(referred_by))
    )


def _destination(transfer: Transfer) -> events.RequiredDestination:
    replaces = transfer.replaces
    if replaces is None:
        return events.RequiredDestination(destination=transfer.exten)
    params = {"from": replaces.from_tag, "to": replaces.to_tag}
    return events.RequiredDestination(
        protocol_id=replaces.call_id,
        destination=transfer.exten,
        additional_protocol_params=[
            events.AdditionalParam(parameter_name=name, parameter_value=value)
            for name, value in params.items()
        ],
    )


def publish_blind(
    channel: Channel,
    exten: str,
    context: str,
    result: str,
    *,
    transferee: Channel | None = None,
    replaced_by: Channel | None = None,
    is_external: bool = True,
) -> None:
    """Publish how a blind transfer of *channel*'s far end went.

    :param result: ``Success``, ``Invalid`` or ``Fail``.
    :param replaced_by: what takes the transferer's place among several.
    :param is_external: the far end asks, not our own dialplan.
    """
    topics = _topics(channel.bridge, channel, transferee)
    if not channel.node.bus.wants(topics):
        return
    channel.node.bus.publish(
        events.bridge_blind_transfer(
            channel=channel.snapshot(),
            replace_channel=_shown(replaced_by),
            transferee=_shown(transferee),
            exten=exten,
            context=context,
            result=result,
            is_external=is_external,
            bridge=_shown(channel.bridge),
        ),
        topics,
    )


class AttendedTransfer:
    """The parties of one attended transfer, as they are before it.

    :param first: the transferer's leg that asked; its partner is the transferee.
    :param second: the transferer's other leg; its partner is the target.
    """

    def __init__(
        self,
        first: Channel,
        second: Channel,
        transferee: Channel | None,
        target: Channel | None,
        application: str,
        *,
        is_external: bool = True,
    ) -> None:
        self._is_external = is_external
        self.first = first
        self.second = second
        self.transferee = transferee
        self.target = target
        self.topics = _topics(first.bridge, first, second, transferee, target)
        if second.bridge is not None:
            self.topics = (*self.topics, *second.bridge.topics)
        self._application = application
        self._legs = first.snapshot(), second.snapshot()
        self._others = _shown(transferee), _shown(target)
        self._bridges = _shown(first.bridge), _shown(second.bridge)

    def publish(self, result: str, bridge: Bridge | None = None) -> None:
        """Publish how it went.

        :param result: ``Success``, ``Invalid`` or ``Fail``.
        :param bridge: where both are now, ``None`` if one of them is in an application.
        """
        bus = self.first.node.bus
        if not bus.wants(self.topics):
            return
        is_done = result == "Success"
        kind = "fail" if not is_done else "application" if bridge is None else "bridge"
        bus.publish(
            events.bridge_attended_transfer(
                transferer_first_leg=self._legs[0],
                transferer_second_leg=self._legs[1],
                transferee=self._others[0],
                transfer_target=self._others[1],
                result=result,
                is_external=self._is_external,
                transferer_first_leg_bridge=self._bridges[0],
                transferer_second_leg_bridge=self._bridges[1],
                destination_type=kind,
                destination_bridge=bridge.id if bridge is not None else None,
                destination_application=self._application if kind == "application" else None,
            ),
            self.topics,
        )


def partner(channel: Channel | None) -> Channel | None:
    """The one who talks to *channel*, if there is exactly one."""
    bridge = channel.bridge if channel is not None else None
    if bridge is None or len(bridge.channels) != 2:
        return None
    return next(member for member in bridge.channels.values() if member is not channel)


def _shown(thing: Channel | Bridge | None) -> Snapshot | None:
    return None if thing is None else thing.snapshot()


def _topics(bridge: Bridge | None, *channels: Channel | None) -> tuple[Topic, ...]:
    parts: list[Sequence[Topic]] = [channel.topics for channel in channels if channel is not None]
    if bridge is not None:
        parts.append(bridge.topics)
    return tuple(topic for part in parts for topic in part)
