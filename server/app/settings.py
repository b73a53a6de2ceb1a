"""From configuration files to the settings of each part."""

from __future__ import annotations

from pathlib import Path

from server.cli.options import Options
from server.config.loader import Configuration
from server.config.sections.musiconhold import music_files
from server.dialplan.port import DialplanSettings
from server.media.engine import EngineSettings, MediaEngine
from server.media.sounds import SoundLibrary
from server.resources.node import NodeSettings
from server.sip.settings import SipSettings, build_settings
from server.stasis.journal import JournalLimits

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


def sip_settings_of(configuration: Configuration) -> SipSettings:
    """Return pjsip.conf's settings.

    :raises ConfigError: a value can't be used.
    """
    return build_settings(
        configuration.pjsip,
        named_acls=configuration.acls,
        default_language=configuration.options.defaultlanguage,
    )


def dialplan_settings(configuration: Configuration) -> DialplanSettings:
    """Return what the dialplan takes from asterisk.conf."""
    directories = configuration.directories
    return DialplanSettings(
        path=configuration.config_path("extensions.conf"),
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
        live_dangerously=configuration.options.live_dangerously,
        may_exec=configuration.may_exec or configuration.options.execincludes,
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
    )


def define_music(configuration: Configuration, engine: MediaEngine) -> None:
    """Give the engine the classes of musiconhold.conf."""
    for name, music in configuration.musiconhold.classes.items():
        files = music_files(music, configuration.directories.astdatadir)
        engine.define_music(name, files, random=music.is_random)
