Lists of channels, bridges, endpoints and recordings take filters and pages, channels and bridges also chosen members; several calls end in one request.
