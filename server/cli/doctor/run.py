"""The order of a consultation."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from pathlib import Path

from server.base.errors import ConfigError, ServerError
from server.cli.check import check_configuration
from server.cli.client import Connection
from server.cli.doctor.files import examine_directories, examine_secrets, written_paths
from server.cli.doctor.findings import Finding, Level, error, ok, warning
from server.cli.doctor.machine import examine_machine, limit_of
from server.cli.doctor.network import (
    channels_of_range,
    ephemeral_ports,
    examine_answer,
    examine_external_address,
    examine_ports,
    examine_reachability,
    examine_rtp_range,
    own_address,
    wanted_ports,
)
from server.cli.doctor.running import examine_running
from server.cli.server import is_served
from server.config.loader import Configuration, load_configuration
from server.dialplan.registry import Registry
from server.sip.settings import build_settings

ANSWER_S = 10.0  # seconds for the server to answer a command


def consult(path: str, registry: Registry) -> Iterator[Finding]:
    """Examine everything that can be; what can't be read hides only what needs it.

    :param path: asterisk.conf, or its directory.
    :param registry: what the dialplan may call.
    """
    if Path(path).is_dir():
        path = str(Path(path) / "asterisk.conf")
    yield from _examine_configuration(path, registry)
    try:
        configuration = load_configuration(path)
        sip = build_settings(configuration.pjsip, named_acls=configuration.acls)
    except ConfigError:
        return  # said already
    asterisk = configuration.asterisk
    yield from examine_directories(asterisk)
    yield from examine_secrets(asterisk)
    ports = wanted_ports(configuration.http, sip)
    pid = 0
    if is_served(asterisk.control_socket):
        pid = yield from _examine_server(configuration)
    else:
        text = f"none runs: nobody listens on {asterisk.control_socket}"
        yield warning("server", text, f"arion -C {path}, or systemctl start arion")
        yield from examine_ports(ports)
    maxcalls = configuration.options.maxcalls
    yield from examine_rtp_range(configuration.rtp, maxcalls, ephemeral_ports())
    yield examine_reachability(configuration.rtp, own_address())
    for transport in sip.transports.values():
        if (found := examine_external_address(transport)) is not None:
            yield found
    yield from examine_machine(
        written_paths(asterisk),
        maxcalls or channels_of_range(configuration.rtp),
        limit_of(pid, configuration.options.maxfiles),
    )


def _examine_configuration(path: str, registry: Registry) -> Iterator[Finding]:
    report = check_configuration(path, registry)
    for failure in report.errors:
        yield error("config", str(failure), "correct it: the server does not start so")
    if count := report.remark_count:
        text = f"{count} things in {Path(path).parent} may not do what they seem to"
        yield warning("config", text, f"arion config check {path}")
    elif not report.errors:
        yield ok("config", f"{Path(path).parent} is understood")


def _examine_server(configuration: Configuration) -> Generator[Finding, None, int]:
    """Examine a server that runs; return its process id, 0 if it can't be asked."""
    path = configuration.asterisk.control_socket
    try:
        console = Connection(path)
    except ServerError as failure:
        remedy = "run the doctor as the server's user; if that is so, restart the server"
        yield error("server", str(failure), remedy)
        return 0
    console.set_timeout(ANSWER_S)
    pid = console.server_pid
    try:
        yield from examine_running(console)
    finally:
        console.close()
    http = configuration.http
    if http.enabled:
        yield examine_answer(http.bindaddr, http.bindport)
    return pid


def lines_of(findings: list[Finding], *, is_brief: bool) -> list[str]:
    """Return the report for the terminal.

    :param is_brief: leave out what is well.
    """
    shown = [each for each in findings if not (is_brief and each.level is Level.OK)]
    errors = sum(each.level is Level.ERROR for each in findings)
    warnings = sum(each.level is Level.WARNING for each in findings)
    total = f"{len(findings)} findings: {errors} errors, {warnings} warnings"
    return [*(each.line for each in shown), total]
