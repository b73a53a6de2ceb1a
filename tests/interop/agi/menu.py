"""The same with pyst2, and a recording."""

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
    # pyst2 has heard SIGHUP and would raise; the server still takes what needs no call
    agi.send_command("SET VARIABLE", "GLOBAL(AFTER)", '"tidied up"')
