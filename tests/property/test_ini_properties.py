"""The .conf reader is total: any text gives a file or a ConfigError."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from server.base.errors import ConfigError
from server.config.ini import parse_text

TOKENS = "[a] [b](!) (a) (+) (+x=1) x = => += 1 ; ;-- --; \\; [ ] ( ) #include #exec \\ - é \0"
PIECES = st.sampled_from([*TOKENS.split(), " ", "\t", "\n", "\n", "\n"])
NAMES = st.text(st.characters(min_codepoint=33, max_codepoint=0x24F), min_size=1, max_size=12)
PLAIN_NAMES = NAMES.filter(lambda name: not set(name) & set("[]()=;#+\\") and name.strip() == name)
VALUES = st.text(
    st.characters(min_codepoint=32, max_codepoint=0x24F, exclude_characters="\\"), max_size=40
).map(lambda value: value.strip(" "))


@given(st.lists(PIECES, max_size=60).map("".join) | st.text(max_size=300))
@settings(max_examples=300, deadline=None)
def test_any_text_gives_a_file_or_a_config_error(text: str) -> None:
    try:
        file = parse_text(text)
    except ConfigError:
        return
    for section in file.sections + file.templates:
        for option in section.options:
            assert option.name
            assert option.value.strip("".join(map(chr, range(33)))) == option.value


@given(st.lists(st.tuples(PLAIN_NAMES, VALUES), max_size=10))
@settings(max_examples=200, deadline=None)
def test_what_is_written_is_read_back(options: list[tuple[str, str]]) -> None:
    options = [(name, value) for name, value in options if not value.startswith(">")]
    lines = [f"{name} = {value.replace(';', chr(92) + ';')}" for name, value in options]
    file = parse_text("[a]\n" + "\n".join(lines))
    assert [(option.name, option.value) for option in file.sections[0].options] == options
    assert file.warnings == []
