"""From configuration files to the settings of each part."""

from __future__ import annotations

import grp
import logging
import os
import pwd
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TypedDict

from server.agi.launcher import AgiSettings
from server.base.log_settings import queue_log_path
from server.cli.options import Options
from server.config.acl import Acl
from server.config.loader import Configuration
from server.config.objects import ConfigObject
from server.config.sections.musiconhold import music_files
from server.dialplan.port import DialplanSettings
from server.media import _media
from server.media.engine import EngineSettings, MediaEngine
from server.media.sounds import SoundLibrary
from server.realtime.sip_objects import without_mapped_types
from server.resources.asterisk import SystemFacts
from server.resources.node import NodeSettings
from server.stasis.journal import JournalLimits

logger = logging.getLogger(__name__)

SAMPLES_PER_MS = 8  # dtmftimeout counts samples at 8 kHz


def engine_settings(configuration: Configuration) -> EngineSettings:
    """Return the media engine's settings: rtp.conf."""
    rtp = configuration.rtp
    return EngineSettings(
        rtp_start=rtp.rtpstart,
        rtp_end=rtp.rtpend,
        strict_rtp=rtp.strictrtp,
        probation=rtp.probation,
        dtmf_timeout_ms=rtp.dtmftimeout // SAMPLES_PER_MS,
        rtcp_interval_ms=rtp.rtcpinterval,
        rtp_checksums=rtp.rtpchecksums,
    )


def node_settings(configuration: Configuration, options: Options) -> NodeSettings:
    """Return what calls depend on: asterisk.conf, ari.conf, indications.conf."""
    return NodeSettings(
        recording_dir=Path(configuration.directories.astspooldir) / "recording",
        max_calls=options.max_calls or 0,
        max_load=options.max_load or 0.0,
        min_memory_free=options.min_memory_free or 0,
        default_language=configuration.options.defaultlanguage,
        channel_variables=configuration.ari.channelvars,
        indications=configuration.indications,
    )


def journal_limits(configuration: Configuration) -> JournalLimits:
    """Return how long events are kept for applications that can resume: ari.conf."""
    ari = configuration.ari
    return JournalLimits(
        max_events=ari.resume_max_events,
        max_bytes=ari.resume_max_bytes,
        max_age=ari.resume_max_age,
        grace=ari.resume_timeout,
    )


def timeline_keep(configuration: Configuration) -> float | None:
    """Return for how many seconds timelines of ended calls are kept; ``None``: there are none."""
    return configuration.ari.timeline_keep if configuration.ari.timeline else None


def system_facts(configuration: Configuration, options: Options, started: float) -> SystemFacts:
    """Return what ``asterisk/info`` tells of this process.

    :param started: seconds since the epoch.
    """
    binary = Path(_media.__file__).stat()
    return SystemFacts(
        started=started,
        reloaded=started,
        system_name=configuration.options.systemname,
        user=options.user or _user_name(os.geteuid()),
        group=options.group or _group_name(os.getegid()),
        max_load=options.max_load or 0.0,
        built=binary.st_mtime,
        builder=_user_name(binary.st_uid),
    )


class SipSources(TypedDict):
    """What :meth:`server.sip.sorcery.SipObjects.configure` takes."""

    objects: Iterable[ConfigObject]
    named_acls: Mapping[str, Acl]
    language: str


def sip_sources(configuration: Configuration) -> SipSources:
    """Return what SIP takes from the files: pjsip.conf, acl.conf; see sorcery.conf."""
    objects, warnings = without_mapped_types(configuration.pjsip, configuration.databases.sorcery)
    for warning in warnings:
        logger.warning("%s", warning)
    return {
        "objects": objects,
        "named_acls": configuration.acls,
        "language": configuration.options.defaultlanguage,
    }


def dialplan_settings(
    configuration: Configuration, has_module: Callable[[str], bool] = lambda _name: True
) -> DialplanSettings:
    """Return what the dialplan takes from asterisk.conf.

    :param has_module: tells whether a module is loaded; what nobody reads is left out.
    """
    directories = configuration.directories

    def source(name: str, module: str) -> str:
        return configuration.config_path(name) if has_module(module) else ""

    return DialplanSettings(
        path=source("extensions.conf", "pbx_config"),
        ael_path=source("extensions.ael", "pbx_ael"),
        lua_path=source("extensions.lua", "pbx_lua"),
        say_path=configuration.config_path("say.conf"),
        lua_dirs=[str(Path(directories.astdatadir) / "lua")],
        constants={
            "SYSTEMNAME": configuration.options.systemname,
            "ASTETCDIR": directories.astetcdir,
            "ASTVARLIBDIR": directories.astvarlibdir,
            "ASTDATADIR": directories.astdatadir,
            "ASTDBDIR": directories.astdbdir,
            "ASTKEYDIR": directories.astkeydir,
            "ASTAGIDIR": directories.astagidir,
            "ASTSPOOLDIR": directories.astspooldir,
            "ASTRUNDIR": directories.astrundir,
            "ASTLOGDIR": directories.astlogdir,
            "ASTCACHEDIR": directories.astcachedir,
            "ASTMODDIR": directories.astmoddir,
            "ASTSBINDIR": directories.astsbindir,
        },
        recording_dir=Path(directories.astvarlibdir) / "sounds",
        writable_dirs=[Path(directories.astspooldir), Path(directories.astdatadir) / "sounds"],
        amd=configuration.amd,
        features=configuration.features,
        live_dangerously=configuration.options.live_dangerously,
        may_exec=configuration.may_exec or configuration.options.execincludes,
        queue_log=queue_log_path(configuration.logger, directories.astlogdir),
        static=configuration.asterisk.static,
    )


def agi_settings(configuration: Configuration) -> AgiSettings:
    """Return what AGI takes from asterisk.conf."""
    directories = configuration.directories
    return AgiSettings(
        Path(directories.astagidir),
        {
            "AST_CONFIG_DIR": directories.astetcdir,
            "AST_CONFIG_FILE": configuration.path,
            "AST_MODULE_DIR": directories.astmoddir,
            "AST_SPOOL_DIR": directories.astspooldir,
            "AST_MONITOR_DIR": str(Path(directories.astspooldir) / "monitor"),
            "AST_VAR_DIR": directories.astvarlibdir,
            "AST_DATA_DIR": directories.astdatadir,
            "AST_LOG_DIR": directories.astlogdir,
            "AST_AGI_DIR": directories.astagidir,
            "AST_KEY_DIR": directories.astkeydir,
            "AST_RUN_DIR": directories.astrundir,
        },
    )


def sound_library(configuration: Configuration) -> SoundLibrary:
    """Return the prompts below astdatadir, and below astvarlibdir if that is another place.

    A dialplan may also name files of astspooldir, recordings among them, by their full path.
    """
    directories = configuration.directories
    places = [Path(directories.astdatadir) / "sounds", Path(directories.astvarlibdir) / "sounds"]
    if configuration.options.sounds_search_custom_dir:
        places.insert(0, places[0] / "custom")
    return SoundLibrary(
        list(dict.fromkeys(places)),
        configuration.options.defaultlanguage,
        roots=[Path(directories.astspooldir)],
        is_language_first=configuration.options.languageprefix,
    )


def define_music(configuration: Configuration, engine: MediaEngine) -> None:
    """Give the engine the classes of musiconhold.conf."""
    for name, music in configuration.musiconhold.classes.items():
        files = music_files(music, configuration.directories.astdatadir)
        engine.define_music(name, files, random=music.is_random)


def _user_name(user_id: int) -> str:
    """Return a user's name, or the number of one who has none."""
    try:
        return pwd.getpwuid(user_id).pw_name
    except KeyError:
        return str(user_id)


def _group_name(group_id: int) -> str:
    """Return a group's name, or the number of one that has none."""
    try:
        return grp.getgrgid(group_id).gr_name
    except KeyError:
        return str(group_id)
