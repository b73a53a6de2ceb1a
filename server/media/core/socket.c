/* A socket stream's connection: handing over, reading, writing without waiting, and its end. */
#include "socket.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define READ_MAX   16384           /* bytes per pass of one socket */
#define OUT_ROOM   ((size_t)65536) /* bytes that may wait for the peer */
#define MEDIA_ROOM ((size_t)16384) /* ... while audio is still added: the rest is for control texts */
#define LINGER_US  2000000         /* the peer's time to read our last words */

/* A connection that is over for us, until the peer has read the rest. */
struct leftover {
	struct mp_link link;
	struct mp_watch watch;
	uint64_t until_us;
	bool is_shut;
	uint8_t *out;
	size_t out_len;
};

/* -- life, control thread -------------------------------------------------------------------------- */

struct mp_socket *mp_socket_new(struct mp_stream *owner)
{
	struct mp_socket *k = calloc(1, sizeof(*k));

	if (!k)
		return NULL;
	k->owner = owner;
	k->watch.fd = -1;
	mp_link_init(&k->link);
	return k;
}

/* Control thread, when no worker has it. */
void mp_socket_free(struct mp_socket *k)
{
	if (!k)
		return;
	if (k->watch.fd >= 0)
		close(k->watch.fd);
	mp_playq_close(&k->queue);
	mp_resampler_close(k->as.resampler);
	free(k->out);
	free(k->channel_id);
	free(k);
}

/* -- writing --------------------------------------------------------------------------------------- */

/* Send what waits. Returns 0 (all is out or the peer does not read) or an errno. */
static int flush(int fd, uint8_t *out, size_t *len)
{
	ssize_t sent;

	while (*len) {
		sent = send(fd, out, *len, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (sent < 0)
			return errno == EAGAIN || errno == EINTR ? 0 : errno;
		*len -= (size_t)sent;
		memmove(out, out + sent, *len);
	}
	return 0;
}

/*
 * Send, or keep for later. Audio is dropped when too much waits; a control text that finds no room ends the
 * connection with the next tick, for a peer that misses one would be misled.
 */
void mp_socket_write(struct mp_socket *k, const uint8_t *data, size_t len, bool is_media)
{
	ssize_t sent = 0;

	if (k->watch.fd < 0 || k->broken)
		return;
	if (!k->out_len) {
		sent = send(k->watch.fd, data, len, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (sent < 0 && errno != EAGAIN && errno != EINTR) {
			k->broken = errno;
			return;
		}
		if (sent < 0)
			sent = 0;
	}
	len -= (size_t)sent;
	if (!len)
		return;
	if (is_media && !sent && k->out_len + len > MEDIA_ROOM) {
		MP_COUNT(mp_worker_of(&k->owner->obj), socket_tx_dropped);
	} else if (k->out_len + len > OUT_ROOM) {
		k->broken = ENOBUFS;
	} else {
		memcpy(k->out + k->out_len, data + sent, len);
		k->out_len += len;
	}
}

static bool is_websocket(const struct mp_socket *k)
{
	return k->protocol == MP_SOCKET_WS_SERVER || k->protocol == MP_SOCKET_WS_CLIENT;
}

bool mp_socket_is_sending(const struct mp_socket *k)
{
	return k->watch.fd >= 0 && k->gives;
}

void mp_socket_send(struct mp_socket *k, const uint8_t *payload, size_t len)
{
	uint8_t wire[MP_PACKET_MAX];

	if (!mp_socket_is_sending(k) || len > sizeof(wire))
		return;
	memcpy(wire, payload, len);
	mp_socket_swap(k->owner, wire, len);
	if (is_websocket(k))
		mp_socket_ws_send(k, MP_WS_BINARY, wire, len);
	else if (k->protocol == MP_SOCKET_RAW)
		mp_socket_write(k, wire, len, true);
	else
		mp_audiosocket_send(k, wire, len);
}

void mp_socket_relay(struct mp_socket *k, struct mp_packet *p)
{
	uint8_t other[MP_PACKET_MAX];

	if (!mp_socket_is_sending(k))
		return;
	if (p->codec != k->owner->codec && !mp_packet_transcode(p, k->owner->codec, other, sizeof(other)))
		MP_COUNT(mp_worker_of(&k->owner->obj), relay_no_codec);
	else
		mp_socket_send(k, p->payload, p->len);
}

void mp_socket_send_digits(struct mp_socket *k, const char *digits)
{
	for (; *digits && k->watch.fd >= 0; digits++) {
		if (is_websocket(k))
			mp_socket_say_digit(k, *digits);
		else if (k->protocol == MP_SOCKET_AUDIOSOCKET)
			mp_audiosocket_send_digit(k, *digits);
	}
}

/* -- the end --------------------------------------------------------------------------------------- */

static void release(struct leftover *l, struct mp_worker *w)
{
	if (l->watch.fd >= 0) {
		mp_worker_unwatch(w, &l->watch);
		close(l->watch.fd);
	}
	l->watch.fd = -1;
}

static void linger_ready(struct mp_watch *watch, struct mp_worker *w)
{
	struct leftover *l = MP_ENTRY(watch, struct leftover, watch);
	uint8_t ignored[READ_MAX];
	const ssize_t got = watch->fd < 0 ? 0 : recv(watch->fd, ignored, sizeof(ignored), MSG_DONTWAIT);

	if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR))
		release(l, w);
}

static void linger_tick(struct leftover *l, struct mp_worker *w)
{
	if (l->watch.fd >= 0 && flush(l->watch.fd, l->out, &l->out_len))
		release(l, w);
	if (l->watch.fd >= 0 && !l->out_len && !l->is_shut) {
		l->is_shut = true;
		(void)shutdown(l->watch.fd, SHUT_WR);
	}
	if (l->watch.fd >= 0 && w->now_us < l->until_us)
		return;
	release(l, w);
	mp_link_remove(&l->link);
	free(l->out);
	free(l);
}

/* Leave the connection to itself: closed at once it would take back what the peer has not read. */
static void part(struct mp_socket *k, struct mp_worker *w)
{
	struct leftover *l = k->broken ? NULL : calloc(1, sizeof(*l));

	mp_worker_unwatch(w, &k->watch);
	mp_link_remove(&k->link);
	if (l) {
		l->watch = (struct mp_watch){.ready = linger_ready, .fd = k->watch.fd};
		l->until_us = w->now_us + LINGER_US;
		l->out = k->out;
		l->out_len = k->out_len;
		k->out = NULL;
		mp_link_add(&w->lingering, &l->link);
		if (mp_worker_watch(w, &l->watch))
			release(l, w);
		mp_worker_need_tick(w);
	} else {
		close(k->watch.fd);
	}
	k->watch.fd = -1;
}

/* Worker, when it ends. */
void mp_socket_close_lingering(struct mp_worker *w)
{
	MP_EACH(&w->lingering, at, after)
	{
		struct leftover *l = MP_ENTRY(at, struct leftover, link);

		l->until_us = 0;
		linger_tick(l, w);
	}
}

static void say_goodbye(struct mp_socket *k, enum mp_ws_status status)
{
	const uint8_t code[2] = {(uint8_t)(status >> 8), (uint8_t)status};

	if (is_websocket(k))
		mp_socket_ws_send(k, MP_WS_CLOSE, code, sizeof(code));
}

/* End the connection and tell Python why, once. */
void mp_socket_end(struct mp_socket *k, enum mp_socket_news why, enum mp_ws_status status, int error)
{
	struct mp_worker *w = mp_worker_of(&k->owner->obj);

	if (k->watch.fd < 0)
		return;
	say_goodbye(k, status);
	part(k, w);
	mp_playq_clear(&k->queue);
	mp_worker_emit(w, MP_EVENT_SOCKET, k->owner->obj.handle, why, error, 0, 0, 0);
}

/* The stream ends: so does the connection, and nobody has to be told. */
void mp_socket_close(struct mp_socket *k)
{
	if (k->watch.fd < 0)
		return;
	say_goodbye(k, MP_WS_NORMAL);
	part(k, mp_worker_of(&k->owner->obj));
}

/* -- reading, ticking ------------------------------------------------------------------------------ */

static void feed(struct mp_socket *k, uint8_t *data, size_t len)
{
	if (is_websocket(k))
		mp_socket_ws_feed(k, data, len);
	else if (k->protocol == MP_SOCKET_AUDIOSOCKET)
		mp_audiosocket_feed(k, data, len);
}

static void ready(struct mp_watch *watch, struct mp_worker *w)
{
	struct mp_socket *k = MP_ENTRY(watch, struct mp_socket, watch);
	uint8_t data[READ_MAX];
	ssize_t got;

	(void)w;
	if (watch->fd < 0)
		return;
	got = recv(watch->fd, data, sizeof(data), MSG_DONTWAIT);
	if (got > 0)
		feed(k, data, (size_t)got);
	else if (got == 0)
		mp_socket_end(k, MP_SOCKET_FAILED, MP_WS_GOING_AWAY, 0);
	else if (errno != EAGAIN && errno != EINTR)
		mp_socket_end(k, MP_SOCKET_FAILED, MP_WS_GOING_AWAY, errno);
}

static void keep_alive(struct mp_socket *k, uint64_t now_us)
{
	if (!k->ping_us || now_us < k->next_ping_us)
		return;
	k->next_ping_us = now_us + k->ping_us;
	if (k->pings++ >= k->ping_probes)
		k->broken = ETIMEDOUT;
	else
		mp_socket_ws_send(k, MP_WS_PING, NULL, 0);
}

static void socket_tick(struct mp_socket *k, struct mp_worker *w)
{
	const int err = flush(k->watch.fd, k->out, &k->out_len);

	if (err)
		k->broken = err;
	keep_alive(k, w->now_us);
	if (k->broken)
		mp_socket_end(k, MP_SOCKET_FAILED, MP_WS_GOING_AWAY, k->broken);
	else if (!k->passthrough)
		mp_socket_play(k);
}

void mp_sockets_tick(struct mp_worker *w)
{
	MP_EACH(&w->sockets, at, after)
	socket_tick(MP_ENTRY(at, struct mp_socket, link), w);
	MP_EACH(&w->lingering, at, after)
	linger_tick(MP_ENTRY(at, struct leftover, link), w);
}

/* -- handing over ---------------------------------------------------------------------------------- */

void mp_socket_attach(struct mp_worker *w, struct mp_socket *k)
{
	if (k->watch.fd < 0)
		return;
	if (mp_worker_watch(w, &k->watch))
		k->broken = ENOMEM;
	mp_link_add(&w->sockets, &k->link);
	mp_worker_need_tick(w);
}

void mp_socket_detach(struct mp_worker *w, struct mp_socket *k)
{
	if (k->watch.fd < 0)
		return;
	mp_worker_unwatch(w, &k->watch);
	mp_link_remove(&k->link);
}

bool mp_socket_is_paced(const struct mp_socket *k)
{
	return !k->passthrough;
}

/* i: fd protocol flags ping_interval_s ping_probes */
static int take_over(struct mp_socket *k, const struct mp_cmd *c, uint64_t now_us)
{
	const int one = 1;

	k->channel_id = strdup(c->text[0]);
	k->out = malloc(OUT_ROOM);
	if (!k->channel_id || !k->out)
		return ENOMEM;
	k->watch.fd = fcntl((int)c->i[0], F_DUPFD_CLOEXEC, 0);
	if (k->watch.fd < 0)
		return errno;
	(void)setsockopt(k->watch.fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	k->watch.ready = ready;
	k->protocol = (enum mp_socket_protocol)c->i[1];
	k->is_json = c->i[2] & MP_SOCKET_JSON;
	k->passthrough = c->i[2] & MP_SOCKET_PASSTHROUGH;
	k->takes = !(c->i[2] & MP_SOCKET_NO_INPUT);
	k->gives = !(c->i[2] & MP_SOCKET_NO_OUTPUT);
	k->ping_us = (uint64_t)c->i[3] * 1000000u;
	k->next_ping_us = now_us + k->ping_us;
	k->ping_probes = (unsigned)c->i[4];
	k->rng = (uint32_t)(now_us ^ (uintptr_t)k) | 1;
	mp_playq_init(&k->queue, mp_socket_frame_size(k->owner));
	return 0;
}

/* Take the connection over, say what comes first, and take what Python has read already. */
int mp_socket_connect(struct mp_socket *k, const struct mp_cmd *c)
{
	struct mp_worker *w = mp_worker_of(&k->owner->obj);
	int err;

	if (k->out || k->channel_id)
		return EALREADY;
	if (c->i[1] < MP_SOCKET_AUDIOSOCKET || c->i[1] > MP_SOCKET_RAW ||
	    (c->i[1] == MP_SOCKET_AUDIOSOCKET && c->bytes_len != 16))
		return EINVAL;
	err = take_over(k, c, w->now_us);
	if (err)
		return err;
	mp_socket_attach(w, k);
	mp_socket_write(k, (const uint8_t *)c->text[1], strlen(c->text[1]), false);
	if (k->protocol == MP_SOCKET_RAW)
		return 0;
	if (!is_websocket(k)) {
		mp_audiosocket_greet(k, c->bytes);
		return 0;
	}
	if (*c->text[2])
		mp_socket_ws_send(k, MP_WS_TEXT, (const uint8_t *)c->text[2], strlen(c->text[2]));
	mp_socket_ws_feed(k, c->bytes, c->bytes_len);
	return 0;
}
