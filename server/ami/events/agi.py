"""Events about AGI: commands, and AsyncAGI's sessions."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from server.resources.channel import Channel


class AgiEvents:
    """Follows AGI's sessions and tells of them."""

    def on_command_begun(self, channel: Channel, command: str, command_id: str) -> None:
        """Tell that a command begins."""
        fields = {"Command": command, "CommandId": command_id}
        channel.node.notices.tell("AGIExecStart", channel, fields)

    def on_command_ended(self, channel: Channel, command: str, command_id: str, reply: str) -> None:
        """Tell how a command was answered."""
        code, _, result = reply.partition(" ")
        fields = {
            "Command": command,
            "CommandId": command_id,
            "ResultCode": code,
            "Result": "Success" if code == "200" else result,
        }
        channel.node.notices.tell("AGIExecEnd", channel, fields)

    def on_async_begun(self, channel: Channel, environment: str) -> None:
        """Tell that a session waits for commands."""
        channel.node.notices.tell("AsyncAGIStart", channel, {"Env": environment})

    def on_async_executed(self, channel: Channel, command_id: str, result: str) -> None:
        """Tell how a command that came from outside was answered."""
        fields = {"CommandID": command_id} if command_id else {}
        channel.node.notices.tell("AsyncAGIExec", channel, {**fields, "Result": result})

    def on_async_ended(self, channel: Channel) -> None:
        """Tell that a session is over."""
        channel.node.notices.tell("AsyncAGIEnd", channel)
