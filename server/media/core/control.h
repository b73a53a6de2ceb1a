/* Control texts of a media WebSocket, plain or JSON: what an application asks for. Pure. */
#ifndef MP_CONTROL_H
#define MP_CONTROL_H

#include <stdbool.h>
#include <stddef.h>

#define MP_CONTROL_MAX 128 /* bytes of a control text */

enum mp_control_name {
	MP_CONTROL_ANSWER,
	MP_CONTROL_HANGUP,
	MP_CONTROL_START_BUFFERING,
	MP_CONTROL_STOP_BUFFERING,
	MP_CONTROL_MARK,
	MP_CONTROL_FLUSH,
	MP_CONTROL_REPORT_DRAINED,
	MP_CONTROL_GET_STATUS,
	MP_CONTROL_PAUSE,
	MP_CONTROL_CONTINUE,
	MP_CONTROL_SET_DIRECTION,
	MP_CONTROL_COUNT
};

struct mp_control {
	enum mp_control_name name;
	const char *id; /* correlation id as it was written, JSON escapes included; inside the text */
	size_t id_len;  /* 0: none */
	const char *direction;
	size_t direction_len;
};

/* The command's word on the wire. */
const char *mp_control_word(enum mp_control_name name);

/*
 * Returns 0, EBADMSG (no JSON object of simple values, or a control character), ENOENT (no such command),
 * EINVAL (a field is missing, or not of its type).
 */
int mp_control_parse(struct mp_control *out, const char *text, size_t len, bool is_json);

#endif
