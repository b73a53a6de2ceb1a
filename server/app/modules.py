"""The server's parts under the names of the Asterisk modules that they stand for."""

from __future__ import annotations

MODULES = {
    "app_dial": "Dialing Application",
    "app_playback": "Sound File Playback Application",
    "app_record": "Trivial Record Application",
    "app_stasis": "Stasis dialplan application",
    "chan_local": "Local Proxy Channel",
    "chan_pjsip": "PJSIP Channel Driver",
    "logger": "Logger",
    "pbx_config": "Text Extension Configuration",
    "res_ari": "Asterisk RESTful Interface",
    "res_http_websocket": "HTTP WebSocket Support",
    "res_musiconhold": "Music On Hold Resource",
    "res_pjsip": "Basic SIP resource",
    "res_rtp_asterisk": "Asterisk RTP Stack",
    "res_stasis": "Stasis application support",
    "res_websocket_client": "WebSocket Client Support",
}
