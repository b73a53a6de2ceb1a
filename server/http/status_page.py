"""The page at ``/httpstatus``, for those who switched it on (http.conf, enable_status)."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from server.http.messages import Response

_PAGE = """<!DOCTYPE html>
<html lang="en"><head><title>{title}</title></head>
<body><h1>{title}</h1><table>{rows}</table></body></html>
"""


def status_page(server: str, rows: Iterable[tuple[str, object]]) -> Response:
    """Return the page.

    :param rows: names and values to show.
    """
    cells = "".join(
        f"<tr><td>{escape(name)}</td><td>{escape(str(value))}</td></tr>" for name, value in rows
    )
    page = _PAGE.format(title=escape(f"{server} status"), rows=cells)
    return Response(200, page.encode(), content_type=b"text/html; charset=utf-8")
