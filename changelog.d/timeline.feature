`GET /channels/{channelId}/timeline` shows a call's events, commands and RTP statistics, also after it ended: docs/timeline.md.
