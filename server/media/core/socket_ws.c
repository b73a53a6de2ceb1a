/* A media WebSocket's frames (RFC 6455): binary ones are audio, text ones are control. */
#include "socket.h"

#include <errno.h>
#include <string.h>

#define MESSAGE_MAX 2048 /* bytes of anything that we send */

/* -- out ------------------------------------------------------------------------------------------- */

static uint32_t next_mask(struct mp_socket *k)
{
	k->rng ^= k->rng << 13; /* xorshift32: keeps proxies from mistaking audio for HTTP, is no secret */
	k->rng ^= k->rng >> 17;
	k->rng ^= k->rng << 5;
	return k->rng;
}

void mp_socket_ws_send(struct mp_socket *k, enum mp_ws_opcode opcode, const uint8_t *data, size_t len)
{
	struct mp_ws_header h = {.fin = true, .opcode = (uint8_t)opcode, .len = len};
	uint8_t frame[MP_WS_HEADER_MAX + MESSAGE_MAX];
	uint32_t mask;
	size_t at;

	if (len > MESSAGE_MAX)
		return;
	h.masked = k->protocol == MP_SOCKET_WS_CLIENT; /* RFC 6455 section 5.1 */
	if (h.masked) {
		mask = next_mask(k);
		memcpy(h.mask, &mask, sizeof(mask));
	}
	at = mp_ws_header_write(frame, &h);
	if (len)
		memcpy(frame + at, data, len);
	if (h.masked)
		mp_ws_mask(frame + at, len, h.mask, 0);
	mp_socket_write(k, frame, at + len, opcode == MP_WS_BINARY);
}

/* -- in -------------------------------------------------------------------------------------------- */

static void violate(struct mp_socket *k, enum mp_ws_status status)
{
	const enum mp_socket_news why = status == MP_WS_UNSUPPORTED ? MP_SOCKET_REFUSED : MP_SOCKET_FAILED;

	MP_COUNT(mp_worker_of(&k->owner->obj), socket_rx_bad);
	mp_socket_end(k, why, status, EPROTO);
}

static bool is_data(uint8_t opcode)
{
	return opcode <= MP_WS_BINARY;
}

/* Whether a frame may come now. */
static bool fits(const struct mp_socket *k, const struct mp_ws_header *h)
{
	if (h->masked != (k->protocol == MP_SOCKET_WS_SERVER))
		return false;
	return !is_data(h->opcode) || (h->opcode == MP_WS_CONTINUATION) == (k->ws.message != 0);
}

static void begin_message(struct mp_socket *k, uint8_t opcode)
{
	struct mp_ws_in *in = &k->ws;

	in->message = opcode;
	in->text_len = 0;
	in->dropped = opcode == MP_WS_BINARY && k->queue.frames >= MP_SOCKET_MAX;
	if (in->dropped)
		MP_COUNT(mp_worker_of(&k->owner->obj), socket_rx_full);
}

/* Collect a header. Returns the bytes used. */
static size_t take_header(struct mp_socket *k, const uint8_t *data, size_t len)
{
	struct mp_ws_in *in = &k->ws;
	size_t taken = 0, used;
	int err = EAGAIN;

	while (err == EAGAIN && taken < len) {
		in->head[in->head_len++] = data[taken++];
		err = mp_ws_header_parse(&in->h, &used, in->head, in->head_len);
	}
	if (err == EAGAIN)
		return taken;
	in->head_len = 0;
	if (err || !fits(k, &in->h)) {
		violate(k, err == ENOTSUP ? MP_WS_UNSUPPORTED : MP_WS_PROTOCOL_ERROR);
		return taken;
	}
	if (is_data(in->h.opcode) && in->h.opcode != MP_WS_CONTINUATION)
		begin_message(k, in->h.opcode);
	in->in_payload = true;
	in->done = 0;
	in->control_len = 0;
	return taken;
}

static void take_text(struct mp_ws_in *in, const uint8_t *data, size_t len)
{
	const size_t room = in->text_len < sizeof(in->text) ? sizeof(in->text) - in->text_len : 0;

	memcpy(in->text + (room ? in->text_len : 0), data, len < room ? len : room);
	in->text_len += len; /* more than fits is noticed at the end */
}

static void take_payload(struct mp_socket *k, uint8_t *data, size_t len)
{
	struct mp_ws_in *in = &k->ws;

	if (in->h.masked)
		mp_ws_mask(data, len, in->h.mask, in->done);
	in->done += len;
	if (!is_data(in->h.opcode)) { /* its length was checked with the header */
		memcpy(in->control + in->control_len, data, len);
		in->control_len += len;
	} else if (in->message == MP_WS_TEXT) {
		take_text(in, data, len);
	} else if (!in->dropped) {
		mp_socket_queue(k, data, len);
	}
}

static void end_text(struct mp_socket *k)
{
	const struct mp_ws_in *in = &k->ws;

	if (in->text_len > sizeof(in->text))
		mp_socket_error(k, "Control message", "is longer than 128 bytes");
	else if (!mp_utf8_is_valid((const uint8_t *)in->text, in->text_len))
		violate(k, MP_WS_INVALID_TEXT);
	else
		mp_socket_control(k, in->text, in->text_len);
}

static void end_frame(struct mp_socket *k)
{
	struct mp_ws_in *in = &k->ws;
	const uint8_t message = in->message;

	in->in_payload = false;
	switch (in->h.opcode) {
	case MP_WS_PING:
		mp_socket_ws_send(k, MP_WS_PONG, in->control, in->control_len);
		return;
	case MP_WS_PONG:
		k->pings = 0;
		return;
	case MP_WS_CLOSE:
		mp_socket_end(k, MP_SOCKET_CLOSED, MP_WS_GOING_AWAY, 0);
		return;
	default:
		break;
	}
	if (!in->h.fin)
		return;
	in->message = 0;
	if (message == MP_WS_TEXT)
		end_text(k);
	else
		mp_socket_message_end(k);
}

void mp_socket_ws_feed(struct mp_socket *k, uint8_t *data, size_t len)
{
	struct mp_ws_in *in = &k->ws;

	while (len && k->watch.fd >= 0) {
		size_t n;

		if (!in->in_payload) {
			n = take_header(k, data, len);
		} else {
			n = in->h.len - in->done < len ? (size_t)(in->h.len - in->done) : len;
			take_payload(k, data, n);
		}
		data += n;
		len -= n;
		if (in->in_payload && in->done == in->h.len && k->watch.fd >= 0)
			end_frame(k);
	}
}
