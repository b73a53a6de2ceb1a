"""asterisk.conf: directories, options, and the control socket's file."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, replace

from server.config.binder import bind, setting
from server.config.objects import ConfigFile, ConfigWarning, Section, unknown_section
from server.config.types import boolean, choice, decimal, integer, level, octal_mode, text

_FOR_C = "it tunes the insides of Asterisk's C core"
_TERMINAL = "the console takes its colours from the terminal"


@dataclass(frozen=True, slots=True)
class Directories:
    """``[directories]``: absolute paths."""

    astetcdir: str = setting(text, "/etc/asterisk")
    astvarlibdir: str = setting(text, "/var/lib/asterisk")
    astdatadir: str = setting(text, "/var/lib/asterisk")
    astdbdir: str = setting(text, "/var/lib/asterisk")
    astkeydir: str = setting(text, "/var/lib/asterisk")
    astagidir: str = setting(text, "/var/lib/asterisk/agi-bin")
    astspooldir: str = setting(text, "/var/spool/asterisk")
    astrundir: str = setting(text, "/var/run/asterisk")
    astlogdir: str = setting(text, "/var/log/asterisk")
    astcachedir: str = setting(text, "/var/cache/asterisk")
    astmoddir: str = setting(text, "/usr/lib/asterisk/modules")
    astsbindir: str = setting(text, "/usr/sbin")


@dataclass(frozen=True, slots=True)
class Options:
    """``[options]``.

    :param verbose: 0 and up; the console shows verbose messages up to this level.
    :param debug: 0 and up.
    :param maxcalls: calls at a time, 0 for no limit.
    :param maxload: 1-minute load average above which new calls are refused, 0 for no limit.
    :param maxfiles: file descriptors to ask the system for, 0 to leave the limit alone.
    :param minmemfree: MiB of free memory below which new calls are refused, 0 for no limit.
    :param entityid: six octets such as ``00:11:22:33:44:55``, or empty.
    """

    systemname: str = setting(text, "")
    autosystemname: bool = setting(boolean, False)
    entityid: str = setting(text, "")
    verbose: int = setting(level, 0)
    debug: int = setting(level, 0)
    maxcalls: int = setting(integer(0), 0)
    maxload: float = setting(decimal(0, 1e6), 0.0)
    maxfiles: int = setting(integer(0), 0)
    minmemfree: int = setting(integer(0), 0)
    runuser: str = setting(text, "")
    rungroup: str = setting(text, "")
    defaultlanguage: str = setting(text, "en")
    mindtmfduration: int = setting(
        integer(0, 60_000), 80, no_effect="digits are passed on as long as they were"
    )
    live_dangerously: bool = setting(boolean, False)
    execincludes: bool = setting(boolean, False)
    transmit_silence: bool = setting(
        boolean,
        False,
        names=("transmit_silence", "transmit_silence_during_record"),
        no_effect="silence is sent to channels whose application asks for it",
    )
    sounds_search_custom_dir: bool = setting(boolean, False)
    console: bool = setting(boolean, False)
    nofork: bool = setting(boolean, False)
    alwaysfork: bool = setting(boolean, False)
    quiet: bool = setting(boolean, False)
    nocolor: bool = setting(boolean, False)
    timestamp: bool = setting(boolean, False)
    dumpcore: bool = setting(boolean, False)
    highpriority: bool = setting(boolean, False)
    hideconnect: bool = setting(boolean, False)
    disable_remote_console_shell: bool = setting(boolean, False)
    cache_record_files: bool = setting(
        boolean, False, no_effect="recordings are written where they stay"
    )
    record_cache_dir: str = setting(
        text, "/tmp", no_effect="recordings are written where they stay"
    )
    cache_media_frames: bool = setting(boolean, True, no_effect=_FOR_C)
    channel_storage_backend: str = setting(
        choice("ao2_legacy", "cpp_map_name_id"), "ao2_legacy", no_effect=_FOR_C
    )
    documentation_language: str = setting(
        text, "en_US", no_effect="the documentation is in English"
    )
    dontwarn: bool = setting(boolean, False, no_effect="warnings are chosen in logger.conf")
    forceblackbackground: bool = setting(boolean, False, no_effect=_TERMINAL)
    lightbackground: bool = setting(boolean, False, no_effect=_TERMINAL)
    hide_messaging_ami_events: bool = setting(
        boolean, False, no_effect="messages make no channel events here"
    )
    initcrypto: bool = setting(boolean, False, no_effect="keys are never asked for at start")
    languageprefix: bool = setting(boolean, True)
    lockconfdir: bool = setting(boolean, False, no_effect="configuration is never written")
    lockmode: str = setting(choice("lockfile", "flock"), "lockfile", no_effect=_FOR_C)
    refdebug: bool = setting(boolean, False, no_effect=_FOR_C)
    rtp_pt_dynamic: int = setting(integer(0, 96), 35, no_effect="dynamic payload types start at 96")
    rtp_use_dynamic: bool = setting(boolean, True, no_effect="dynamic payload types start at 96")
    stdexten: str = setting(
        choice("gosub", "macro"), "gosub", no_effect="there are no generated extensions"
    )
    trace: int = setting(integer(0), 0, no_effect="there is no trace level")
    transcode_via_sln: bool = setting(
        boolean, True, no_effect="transcoding always goes through signed linear"
    )


@dataclass(frozen=True, slots=True)
class ControlFiles:
    """``[files]``: the control socket in ``astrundir``.

    :param astctlpermissions: file mode, ``None`` to keep what the umask gives (owner only).
    :param astctlowner: user name, or empty.
    :param astctlgroup: group name, or empty.
    """

    astctl: str = setting(text, "asterisk.ctl")
    astctlpermissions: int | None = setting(octal_mode, None)
    astctlowner: str = setting(text, "")
    astctlgroup: str = setting(text, "")


@dataclass(frozen=True, slots=True)
class AsteriskConf:
    """asterisk.conf as a whole.

    :ivar static: reads a file that extconfig.conf has in a database, ``None`` for any other.
    """

    directories: Directories = Directories()
    options: Options = Options()
    files: ControlFiles = ControlFiles()
    static: Callable[[str], ConfigFile | None] | None = None

    @property
    def control_socket(self) -> str:
        """Path of the Unix socket of the remote console."""
        return os.path.join(self.directories.astrundir, self.files.astctl)  # noqa: PTH118


_SECTIONS: dict[str, type] = {
    "directories": Directories,
    "options": Options,
    "files": ControlFiles,
}


def build_asterisk(file: ConfigFile, warnings: list[ConfigWarning]) -> AsteriskConf:
    """Read asterisk.conf.

    :raises ConfigError: a value can't be read.
    """
    options: dict[str, Section] = {}
    for section in file.sections:
        name = section.name.lower()
        if name not in _SECTIONS and name != "modules":
            warnings.append(unknown_section(section))
        if name in options:
            options[name].options.extend(section.options)
        else:
            options[name] = replace(section, options=list(section.options))
    empty = Section("", file.path, 0)
    found = {name: options.get(name, empty).options for name in _SECTIONS}
    directories = bind(Directories, found["directories"], warnings)
    return AsteriskConf(
        _derived(directories, {option.name.lower() for option in found["directories"]}),
        _named(bind(Options, found["options"], warnings)),
        bind(ControlFiles, found["files"], warnings),
    )


def _named(options: Options) -> Options:
    """Let ``autosystemname`` name the system after the machine."""
    if options.autosystemname and not options.systemname:
        return replace(options, systemname=os.uname().nodename)
    return options


def _derived(directories: Directories, given: set[str]) -> Directories:
    """Let the database and the keys follow the directory that they are part of by default."""
    if "astvarlibdir" in given and "astdbdir" not in given:
        directories = replace(directories, astdbdir=directories.astvarlibdir)
    if "astdatadir" in given and "astkeydir" not in given:
        directories = replace(directories, astkeydir=directories.astdatadir)
    return directories
