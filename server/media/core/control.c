#include "control.h"

#include <errno.h>
#include <string.h>

struct slice {
	const char *at;
	size_t len;
};

struct scanner {
	const char *at, *end;
};

/* A value: a string's inside, or a word (number, true, false, null). */
struct value {
	struct slice text;
	bool is_string;
};

static const char *const WORDS[MP_CONTROL_COUNT] = {
        [MP_CONTROL_ANSWER] = "ANSWER",
        [MP_CONTROL_HANGUP] = "HANGUP",
        [MP_CONTROL_START_BUFFERING] = "START_MEDIA_BUFFERING",
        [MP_CONTROL_STOP_BUFFERING] = "STOP_MEDIA_BUFFERING",
        [MP_CONTROL_MARK] = "MARK_MEDIA",
        [MP_CONTROL_FLUSH] = "FLUSH_MEDIA",
        [MP_CONTROL_REPORT_DRAINED] = "REPORT_QUEUE_DRAINED",
        [MP_CONTROL_GET_STATUS] = "GET_STATUS",
        [MP_CONTROL_PAUSE] = "PAUSE_MEDIA",
        [MP_CONTROL_CONTINUE] = "CONTINUE_MEDIA",
        [MP_CONTROL_SET_DIRECTION] = "SET_MEDIA_DIRECTION",
};

const char *mp_control_word(enum mp_control_name name)
{
	return (unsigned)name < MP_CONTROL_COUNT ? WORDS[name] : "";
}

static bool equals(struct slice s, const char *word)
{
	return s.len == strlen(word) && memcmp(s.at, word, s.len) == 0;
}

static int find(enum mp_control_name *name, struct slice word)
{
	for (unsigned i = 0; i < MP_CONTROL_COUNT; i++) {
		if (equals(word, WORDS[i])) {
			*name = (enum mp_control_name)i;
			return 0;
		}
	}
	return ENOENT;
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* -- JSON (RFC 8259): an object whose values are no objects or arrays ------------------------------- */

static void skip_space(struct scanner *s)
{
	while (s->at < s->end && is_space(*s->at))
		s->at++;
}

static bool take(struct scanner *s, char c)
{
	skip_space(s);
	if (s->at >= s->end || *s->at != c)
		return false;
	s->at++;
	return true;
}

static bool take_escape(struct scanner *s)
{
	const size_t left = (size_t)(s->end - s->at);

	if (left < 2 || !strchr("\"\\/bfnrtu", s->at[1]) || !s->at[1])
		return false;
	if (s->at[1] != 'u') {
		s->at += 2;
		return true;
	}
	for (size_t i = 2; i < 6; i++) {
		if (left < 6 || !s->at[i] || !strchr("0123456789abcdefABCDEF", s->at[i]))
			return false;
	}
	s->at += 6;
	return true;
}

/* The inside of a string, escapes as they are. */
static bool take_string(struct scanner *s, struct slice *out)
{
	if (!take(s, '"'))
		return false;
	out->at = s->at;
	while (s->at < s->end && *s->at != '"') {
		if ((unsigned char)*s->at < 0x20)
			return false;
		if (*s->at != '\\')
			s->at++;
		else if (!take_escape(s))
			return false;
	}
	out->len = (size_t)(s->at - out->at);
	return take(s, '"');
}

/* A number or a literal: only its characters are checked, for it is only skipped. */
static bool take_word(struct scanner *s, struct slice *out)
{
	skip_space(s);
	out->at = s->at;
	while (s->at < s->end && strchr("+-.0123456789abcdefghijklmnopqrstuvwxyzE", *s->at) && *s->at)
		s->at++;
	out->len = (size_t)(s->at - out->at);
	return out->len > 0;
}

static bool take_member(struct scanner *s, struct slice *key, struct value *value)
{
	if (!take_string(s, key) || !take(s, ':'))
		return false;
	skip_space(s);
	value->is_string = s->at < s->end && *s->at == '"';
	return value->is_string ? take_string(s, &value->text) : take_word(s, &value->text);
}

static int take_field(struct value value, const char **at, size_t *len)
{
	if (!value.is_string)
		return equals(value.text, "null") ? 0 : EINVAL;
	*at = value.text.at;
	*len = value.text.len;
	return 0;
}

/* What a member says; the first field of a wrong type is kept in *err. */
static void note(struct mp_control *out, struct slice *command, int *err, struct slice key,
                 struct value value)
{
	if (equals(key, "command") && value.is_string)
		*command = value.text;
	else if (equals(key, "correlation_id") && !*err)
		*err = take_field(value, &out->id, &out->id_len);
	else if (equals(key, "direction") && !*err)
		*err = take_field(value, &out->direction, &out->direction_len);
}

static int parse_json(struct mp_control *out, struct scanner s)
{
	struct slice command = {0}, key;
	struct value value;
	int err = 0, unknown;

	if (!take(&s, '{'))
		return EBADMSG;
	if (!take(&s, '}')) {
		do {
			if (!take_member(&s, &key, &value))
				return EBADMSG;
			note(out, &command, &err, key, value);
		} while (take(&s, ','));
		if (!take(&s, '}'))
			return EBADMSG;
	}
	skip_space(&s);
	if (s.at != s.end)
		return EBADMSG;
	if (!command.at)
		return EINVAL;
	unknown = find(&out->name, command);
	return unknown ? unknown : err;
}

/* -- plain text ------------------------------------------------------------------------------------ */

static int parse_plain(struct mp_control *out, struct scanner s)
{
	struct slice command = {.at = s.at};

	for (const char *c = s.at; c < s.end; c++) {
		if ((unsigned char)*c < 0x20)
			return EBADMSG;
	}
	while (s.at < s.end && *s.at != ' ')
		s.at++;
	command.len = (size_t)(s.at - command.at);
	skip_space(&s);
	out->id = s.at;
	out->id_len = (size_t)(s.end - s.at);
	return find(&out->name, command);
}

int mp_control_parse(struct mp_control *out, const char *text, size_t len, bool is_json)
{
	struct scanner s = {text, text + len};

	memset(out, 0, sizeof(*out));
	while (s.end > s.at && is_space(s.end[-1]))
		s.end--;
	skip_space(&s);
	if (s.at == s.end)
		return EBADMSG;
	return is_json ? parse_json(out, s) : parse_plain(out, s);
}
