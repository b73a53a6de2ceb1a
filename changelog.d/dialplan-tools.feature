`arion dialplan check` finds what loads but will not work (targets that do not exist, steps that no call reaches,
patterns that hide others); `arion dialplan trace` says step by step what a call would do.
