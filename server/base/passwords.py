"""Crypted passwords: every format that the system's crypt(3) knows.

Python's own crypt module is deprecated and gone from 3.13, so that the library is called directly.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import hmac
import logging
import secrets
import string
from functools import cache

from server.base.errors import InvalidArgument, Unavailable

logger = logging.getLogger(__name__)

SALT_LETTERS = string.ascii_letters + string.digits + "./"
SHA512 = "$6$"
SALT_LENGTH = 16
MAX_LENGTH = 512  # bytes of a password; libcrypt takes no more


def matches_crypt(password: bytes, hashed: str) -> bool:
    """Tell whether a crypt(3) hash is of this password."""
    result = _crypt(password, hashed)
    return result is not None and hmac.compare_digest(result, hashed.encode())


def make_crypt(password: str) -> str:
    """Return a SHA-512 hash of a password, under a fresh salt.

    :raises InvalidArgument: the password is empty, too long or has a NUL in it.
    :raises Unavailable: the system has no libcrypt.
    """
    encoded = password.encode()
    if not 0 < len(encoded) <= MAX_LENGTH or b"\0" in encoded:
        raise InvalidArgument("password", f"expected 1 to {MAX_LENGTH} bytes without NUL")
    salt = "".join(secrets.choice(SALT_LETTERS) for _ in range(SALT_LENGTH))
    result = _crypt(encoded, SHA512 + salt)
    if result is None:
        raise Unavailable("this system's crypt(3) can't make SHA-512 hashes")
    return result.decode()


def _crypt(password: bytes, setting: str) -> bytes | None:
    library = _libcrypt()
    if library is None or b"\0" in password:
        return None
    result: bytes | None = library.crypt(password, setting.encode())
    return None if result is None or result.startswith(b"*") else result


@cache
def _libcrypt() -> ctypes.CDLL | None:
    name = ctypes.util.find_library("crypt") or "libcrypt.so.1"
    try:
        library = ctypes.CDLL(name)
    except OSError:
        logger.error("%s is missing: users with password_format=crypt can't log in", name)
        return None
    library.crypt.restype = ctypes.c_char_p
    library.crypt.argtypes = (ctypes.c_char_p, ctypes.c_char_p)
    return library
