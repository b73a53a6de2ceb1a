Timelines are bounded in bytes: 256 KiB of each call, and `timeline_max_bytes` of all.
