"""Builds the media engine: ``python setup.py build_ext --inplace``.

Switches, by environment variable: ``MEDIA_DEBUG=1`` (no optimisation, assertions),
``MEDIA_SANITIZE=address,undefined`` or ``thread``, ``MEDIA_WERROR=1``.
"""

import os
import sysconfig

from setuptools import Extension, setup

CORE = [
    "audiosocket",
    "background",
    "bridge",
    "codec",
    "codec_g711",
    "command",
    "control",
    "dtmf",
    "dtmf_in",
    "dtmf_out",
    "effects",
    "engine",
    "file",
    "file_gsm",
    "file_raw",
    "file_reader",
    "file_wav",
    "file_writer",
    "fileio",
    "fileio_cache",
    "fileio_decode",
    "fileio_sink",
    "fileio_source",
    "grave",
    "handle",
    "jbuf",
    "mix",
    "mixer",
    "music",
    "pcm",
    "pitch",
    "player",
    "playq",
    "plc",
    "recorder",
    "resample",
    "rtcp",
    "rtcp_session",
    "rtp",
    "rtp_in",
    "rtp_out",
    "scan",
    "scans",
    "scramble",
    "snoop",
    "sock",
    "socket",
    "socket_control",
    "socket_play",
    "socket_ws",
    "stats",
    "stream",
    "strict",
    "submit",
    "tone",
    "vad",
    "worker",
    "ws",
]
BINDING = ["convert", "engine_type", "error", "module"]
WARNINGS = [
    "-Wall",
    "-Wextra",
    "-Wshadow",
    "-Wstrict-prototypes",
    "-Wmissing-prototypes",
    "-Wvla",
]
LIMITED_API = "0x030B0000"


def _flags() -> tuple[list[str], list[str]]:
    """Return compiler and linker flags for the switches in the environment."""
    is_debug = os.environ.get("MEDIA_DEBUG") == "1"
    compiler = ["-std=c11", "-D_GNU_SOURCE", "-fvisibility=hidden", "-pthread", "-g", *WARNINGS]
    compiler += ["-O0", "-UNDEBUG"] if is_debug else ["-O3", "-DNDEBUG"]
    linker = ["-pthread"]
    if os.environ.get("MEDIA_WERROR") == "1":
        compiler.append("-Werror")
    if sanitizers := os.environ.get("MEDIA_SANITIZE"):
        compiler += [f"-fsanitize={sanitizers}", "-fno-omit-frame-pointer"]
        linker.append(f"-fsanitize={sanitizers}")
    return compiler, linker


def _drop_distribution_flags() -> None:
    """Python's own CFLAGS would override ours (-O3, -Wno-…)."""
    for name in ("CFLAGS", "OPT", "PY_CFLAGS"):
        sysconfig.get_config_vars()[name] = ""


_drop_distribution_flags()
COMPILER, LINKER = _flags()

setup(
    ext_modules=[
        Extension(
            "server.media._media",
            sources=[f"server/media/core/{name}.c" for name in CORE]
            + [f"server/media/py/{name}.c" for name in BINDING],
            include_dirs=["server/media/core"],
            define_macros=[("Py_LIMITED_API", LIMITED_API)],
            extra_compile_args=COMPILER,
            extra_link_args=LINKER,
            libraries=["gsm", "speexdsp", "m"],
            py_limited_api=True,
        )
    ]
)
