/* Control of a media WebSocket: what the application asks for, and what it is told. */
#include "socket.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define TEXT_MAX 2048 /* bytes of an event */

/* -- events ---------------------------------------------------------------------------------------- */

/*
 * Send an event. JSON has `event` and `channel_id` in front of the members that the format gives; plain
 * text is the format that follows.
 */
static void say(struct mp_socket *k, const char *event, const char *json, const char *plain, ...)
{
	char text[TEXT_MAX];
	va_list args;
	int n;

	if (k->is_json)
		n = snprintf(text, sizeof(text), "{\"event\":\"%s\",\"channel_id\":\"%s\"", event,
		             k->channel_id);
	else
		n = snprintf(text, sizeof(text), "%s", event);
	va_start(args, plain);
	n += vsnprintf(text + n, sizeof(text) - (size_t)n, k->is_json ? json : plain, args);
	va_end(args);
	if (n > 0 && (size_t)n + 2 < sizeof(text)) {
		if (k->is_json)
			text[n++] = '}';
		mp_socket_ws_send(k, MP_WS_TEXT, (const uint8_t *)text, (size_t)n);
	}
}

/* `what` `why`: a sentence without a full stop. */
void mp_socket_error(struct mp_socket *k, const char *what, const char *why)
{
	if (k->is_json)
		say(k, "ERROR", ",\"error_text\":\"%s %s\"", "", what, why);
	else
		say(k, "ERROR", "", " channel_id:%s error_text:%s %s", k->channel_id, what, why);
}

void mp_socket_say_mark(struct mp_socket *k, const struct mp_playq_item *item)
{
	say(k, item->kind == MP_PLAYQ_MARK ? "MEDIA_MARK_PROCESSED" : "MEDIA_BUFFERING_COMPLETED",
	    ",\"correlation_id\":\"%.*s\"", item->len ? " %.*s" : "%.*s", (int)item->len,
	    (const char *)item->data);
}

void mp_socket_say_level(struct mp_socket *k)
{
	say(k, k->xoff ? "MEDIA_XOFF" : "MEDIA_XON", "", "");
}

void mp_socket_say_drained(struct mp_socket *k)
{
	say(k, "QUEUE_DRAINED", "", "");
}

void mp_socket_say_digit(struct mp_socket *k, char digit)
{
	say(k, "DTMF_END", ",\"digit\":\"%c\"", " digit:%c channel_id:%s", digit, k->channel_id);
}

static const char *word(bool value)
{
	return value ? "true" : "false";
}

static void say_status(struct mp_socket *k)
{
	char id[TEXT_MAX / 2] = "";

	if (!k->is_json)
		snprintf(id, sizeof(id), " channel_id:%s", k->channel_id);
	say(k, "STATUS",
	    "%s,\"queue_length\":%zu,\"xon_level\":%d,\"xoff_level\":%d,\"queue_full\":%s,"
	    "\"bulk_media\":%s,\"media_paused\":%s",
	    "%s queue_length:%zu xon_level:%d xoff_level:%d queue_full:%s bulk_media:%s media_paused:%s",
	    id, k->queue.frames, MP_SOCKET_XON, MP_SOCKET_XOFF, word(k->xoff), word(k->buffering),
	    word(k->paused));
}

/* -- commands -------------------------------------------------------------------------------------- */

/* When a command makes no sense. */
static const struct {
	bool passthrough, direction_in;
} REFUSED_IN[MP_CONTROL_COUNT] = {
        [MP_CONTROL_START_BUFFERING] = {true, true},
        [MP_CONTROL_STOP_BUFFERING] = {true, true},
        [MP_CONTROL_MARK] = {true, true},
        [MP_CONTROL_FLUSH] = {true, false},
        [MP_CONTROL_REPORT_DRAINED] = {true, false},
        [MP_CONTROL_PAUSE] = {true, true},
        [MP_CONTROL_CONTINUE] = {true, true},
        [MP_CONTROL_SET_DIRECTION] = {true, false},
};

static void mark(struct mp_socket *k, const struct mp_control *c, enum mp_playq_kind kind)
{
	if (mp_playq_mark(&k->queue, kind, c->id, c->id_len))
		mp_socket_error(k, mp_control_word(c->name), "found no room in the queue");
}

static void stop_buffering(struct mp_socket *k, const struct mp_control *c)
{
	k->buffering = false;
	mp_playq_pad(&k->queue, mp_codec_get(k->owner->codec)->silence);
	mark(k, c, MP_PLAYQ_BUFFERED);
}

static bool is_word(const struct mp_control *c, const char *wanted)
{
	return c->direction_len == strlen(wanted) && memcmp(c->direction, wanted, c->direction_len) == 0;
}

/* Directions are the application's: `in` is what it hears. */
static void set_direction(struct mp_socket *k, const struct mp_control *c)
{
	const bool both = is_word(c, "both"), in = is_word(c, "in"), out = is_word(c, "out");

	if (!k->is_json) {
		mp_socket_error(k, "SET_MEDIA_DIRECTION", "needs the JSON format");
	} else if (!both && !in && !out) {
		mp_socket_error(k, "SET_MEDIA_DIRECTION", "needs a direction of both, in or out");
	} else {
		k->takes = both || out;
		k->gives = both || in;
	}
}

static void answer(struct mp_socket *k)
{
	if (!k->answered)
		mp_worker_emit(mp_worker_of(&k->owner->obj), MP_EVENT_SOCKET, k->owner->obj.handle,
		               MP_SOCKET_ANSWERED, 0, 0, 0, 0);
	k->answered = true;
}

static void carry_out(struct mp_socket *k, const struct mp_control *c)
{
	switch (c->name) {
	case MP_CONTROL_ANSWER:
		answer(k);
		break;
	case MP_CONTROL_HANGUP:
		mp_socket_end(k, MP_SOCKET_HUNG_UP, MP_WS_NORMAL, 0);
		break;
	case MP_CONTROL_START_BUFFERING:
		k->buffering = true;
		break;
	case MP_CONTROL_STOP_BUFFERING:
		stop_buffering(k, c);
		break;
	case MP_CONTROL_MARK:
		mark(k, c, MP_PLAYQ_MARK);
		break;
	case MP_CONTROL_FLUSH:
		mp_socket_flush(k);
		break;
	case MP_CONTROL_REPORT_DRAINED:
		k->report_drained = true;
		break;
	case MP_CONTROL_GET_STATUS:
		say_status(k);
		break;
	case MP_CONTROL_PAUSE:
	case MP_CONTROL_CONTINUE:
		k->paused = c->name == MP_CONTROL_PAUSE;
		break;
	case MP_CONTROL_SET_DIRECTION:
		set_direction(k, c);
		break;
	case MP_CONTROL_COUNT:
		break;
	}
}

void mp_socket_control(struct mp_socket *k, const char *text, size_t len)
{
	struct mp_control c;
	const int err = mp_control_parse(&c, text, len, k->is_json);

	if (err == EBADMSG)
		mp_socket_error(k, "Control message", k->is_json ? "is no JSON object" : "is malformed");
	else if (err == ENOENT)
		mp_socket_error(k, "Control message", "names an unknown command");
	else if (err)
		mp_socket_error(k, "Control message", "lacks a field, or one has the wrong type");
	else if (k->passthrough && REFUSED_IN[c.name].passthrough)
		mp_socket_error(k, mp_control_word(c.name), "is not available in passthrough mode");
	else if (!k->takes && REFUSED_IN[c.name].direction_in)
		mp_socket_error(k, mp_control_word(c.name), "is not available while the direction is in");
	else
		carry_out(k, &c);
}
