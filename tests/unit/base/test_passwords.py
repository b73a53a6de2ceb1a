"""Crypted passwords: every format of crypt(3)."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from server.base.errors import InvalidArgument
from server.base.passwords import make_crypt, matches_crypt

# "secret" under each of the formats of the C library
HASHES = {
    "DES": "abNANd1rDfiNc",
    "extended DES": "_J9..rasmz0.F/jqjWck",
    "MD5": "$1$salt5678$eRxLEhWQsIei43/wfY66J/",
    "SHA-256": "$5$saltsaltsalt$TihBZCRsJxAxHgKub.mCOdu9X7QLi980jJxe7T2aZg7",
    "SHA-256 with rounds": (
        "$5$rounds=1000$saltsaltsalt$jeQ3Wbe2JixnvtlZtYweZUFjfxf4JtmzGAyxAW53.M2"
    ),
    "SHA-512": (
        "$6$saltsaltsalt$PMWE8DTlam1JU37Piyk43bHcMxTJq6sgu5DKB0/tGPjanN35jcY68QkpDfPFUGPWX5uCxIQ"
        "kSPzMmqEiVNgts."
    ),
    "yescrypt": "$y$j75$saltsaltsalt$jyf/lxrpdyAIshWRo1x5DRC6KIE7sNRRtjcomR3PgHA",
    "bcrypt": "$2b$04$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW",
}


@pytest.mark.parametrize("hashed", HASHES.values(), ids=HASHES)
def test_formats_of_the_c_library(hashed: str) -> None:
    assert matches_crypt(b"secret", hashed)
    assert not matches_crypt(b"Secret", hashed)
    assert not matches_crypt(b"", hashed)


@pytest.mark.parametrize("hashed", ["", "*", "*0", "secret", "$6$", "$9$salt$x", "x"])
def test_what_is_no_hash_matches_nothing(hashed: str) -> None:
    assert not matches_crypt(b"secret", hashed)
    assert not matches_crypt(b"", hashed)


@settings(max_examples=10, deadline=None)
@given(st.text(st.characters(exclude_characters="\0", codec="utf-8"), min_size=1, max_size=40))
def test_what_is_made_matches(password: str) -> None:
    hashed = make_crypt(password)
    assert hashed.startswith("$6$")
    assert matches_crypt(password.encode(), hashed)
    assert hashed != make_crypt(password)


@pytest.mark.parametrize("password", ["", "a\0b", "x" * 600])
def test_what_cant_be_crypted_is_refused(password: str) -> None:
    with pytest.raises(InvalidArgument):
        make_crypt(password)
