"""The same with pyst2, and a recording."""

import signal

from asterisk.agi import AGI, AGIAppError

agi = AGI()
try:
    agi.answer()
    channel = agi.env["agi_channel"]
    agi.verbose(f"pyst2 at {channel}")
    agi.stream_file(agi.env["agi_arg_1"], "123")
    digits = agi.get_data('""', 5000, 2)  # pyst2 quotes no file names
    agi.database_put("agi", "digits", digits)
    kept = agi.database_get("agi", "digits")
    agi.set_variable("GLOBAL(RESULT)", f"pyst2 {kept} {agi.get_variable('EXTEN')}")
    status = agi.channel_status(channel)
    agi.set_variable("GLOBAL(STATUS)", str(status))
    agi.say_digits("12", "")
    agi.wait_for_digit(60000)  # the caller hangs up now
except AGIAppError:
    pass
finally:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    agi.set_variable("GLOBAL(AFTER)", "tidied up")
