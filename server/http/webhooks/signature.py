"""The signature of what is POSTed: HMAC-SHA256 (RFC 2104) over the time and the body."""

from __future__ import annotations

import hashlib
import hmac


def sign(secret: str, moment: int, body: bytes) -> str:
    """Return the value of the header ``Arion-Signature``.

    :param moment: when it is sent, seconds since the epoch.
    """
    digest = hmac.new(secret.encode(), b"%d.%b" % (moment, body), hashlib.sha256).hexdigest()
    return f"t={moment},v1={digest}"
