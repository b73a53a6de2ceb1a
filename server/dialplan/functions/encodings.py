"""Functions that encode, encrypt, hash and escape."""

from __future__ import annotations

import base64
import binascii
import hashlib

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from server.base.errors import InvalidArgument
from server.dialplan.arguments import argument, split_raw
from server.dialplan.encoding import decode_text, encode_text
from server.dialplan.registry import function
from server.dialplan.scope import Scope

AES_BLOCK = 16  # bytes, and so long is the key


@function("MD5")
def md5(scope: Scope, data: str) -> str:
    """MD5(text): in hexadecimal digits."""
    return hashlib.md5(encode_text(data), usedforsecurity=False).hexdigest()


@function("SHA1")
def sha1(scope: Scope, data: str) -> str:
    """SHA1(text): in hexadecimal digits."""
    return hashlib.sha1(encode_text(data), usedforsecurity=False).hexdigest()


@function("BASE64_ENCODE")
def encode_base64(scope: Scope, data: str) -> str:
    """BASE64_ENCODE(text)."""
    return base64.b64encode(encode_text(data)).decode()


@function("BASE64_DECODE")
def decode_base64(scope: Scope, data: str) -> str:
    """BASE64_DECODE(text): up to the first NUL, since values are texts."""
    return decode_text(_decoded(data).split(b"\0")[0])


@function("AES_ENCRYPT")
def encrypt(scope: Scope, data: str) -> str:
    """AES_ENCRYPT(key,text): AES-128, block by block, in base 64."""
    key, text = _key_and_text("AES_ENCRYPT", data)
    padded = text + "\0" * (-len(encode_text(text)) % AES_BLOCK)
    encryptor = _cipher(key).encryptor()
    return base64.b64encode(encryptor.update(encode_text(padded)) + encryptor.finalize()).decode()


@function("AES_DECRYPT")
def decrypt(scope: Scope, data: str) -> str:
    """AES_DECRYPT(key,text): what AES_ENCRYPT() made."""
    key, text = _key_and_text("AES_DECRYPT", data)
    encrypted = _decoded(text)
    encrypted += b"\0" * (-len(encrypted) % AES_BLOCK)
    decryptor = _cipher(key).decryptor()
    plain = decryptor.update(encrypted) + decryptor.finalize()
    return decode_text(plain.split(b"\0")[0])


def _key_and_text(name: str, data: str) -> tuple[bytes, str]:
    arguments = split_raw(data, 2)
    key = encode_text(argument(arguments, 0))
    if len(key) != AES_BLOCK or len(arguments) < 2:
        raise InvalidArgument(name, f"expected a key of {AES_BLOCK} characters and a text")
    return key, arguments[1]


def _cipher(key: bytes) -> Cipher[modes.ECB]:
    return Cipher(algorithms.AES(key), modes.ECB())


def _decoded(text: str) -> bytes:
    kept = "".join(text.split()).rstrip("=")
    try:
        return base64.b64decode(kept + "=" * (-len(kept) % 4))
    except (ValueError, binascii.Error) as error:
        raise InvalidArgument("text", f"is not base 64: {error}") from None


@function("ICONV")
def convert(scope: Scope, data: str) -> str:
    """ICONV(from,to,text): take the text's bytes as one character set, and make them another.

    Bytes that are no UTF-8 in the end are shown as Latin-1 characters.
    """
    arguments = split_raw(data, 3)
    if len(arguments) < 3:
        raise InvalidArgument("ICONV", "expected two character sets and a text")
    source, target = (name.partition("//")[0].strip() for name in arguments[:2])
    errors = "replace" if "//TRANSLIT" in arguments[1].upper() else "strict"
    if "//IGNORE" in arguments[1].upper():
        errors = "ignore"
    try:
        converted = encode_text(arguments[2]).decode(source).encode(target, errors)
    except (LookupError, ValueError) as error:
        raise InvalidArgument("ICONV", str(error)) from None
    return decode_text(converted)


@function("SQL_ESC")
def escape_sql(scope: Scope, data: str) -> str:
    """SQL_ESC(text): single quotes doubled."""
    return data.replace("'", "''")


@function("SQL_ESC_BACKSLASHES")
def escape_sql_backslashes(scope: Scope, data: str) -> str:
    """SQL_ESC_BACKSLASHES(text): backslashes doubled."""
    return data.replace("\\", "\\\\")
