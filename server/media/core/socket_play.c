/*
 * From the play queue to the call: one frame a tick, silence when there is none.
 *
 * Latency. A peer that sends in real time and stalls for a moment sends the rest in a burst, and that much
 * would wait in the queue for ever after. So the queue's extremes are watched: if for WINDOW ticks it was
 * never empty and never held more than a live sender's jitter, the excess is removed, by leaving out frames
 * that are silent. Who sends ahead, as speech synthesis does, has more in the queue and loses nothing.
 */
#include "mix.h"
#include "socket.h"

#include <string.h>

#define WINDOW       250 /* ticks: 5 s */
#define LIVE_MOST    25  /* frames: 500 ms of jitter at most */
#define LIVE_LEAST   2   /* frames that may stay */
#define SILENT_LEVEL 64  /* mean absolute sample value of a frame that nobody misses */

/* Linear audio is little-endian on these sockets, and big-endian inside (codec.h). */
void mp_socket_swap(const struct mp_stream *s, uint8_t *payload, size_t len)
{
	if (s->codec != MP_CODEC_SLIN && s->codec != MP_CODEC_SLIN16)
		return;
	for (size_t i = 0; i + 1 < len; i += 2) {
		const uint8_t low = payload[i];

		payload[i] = payload[i + 1];
		payload[i + 1] = low;
	}
}

size_t mp_socket_frame_size(const struct mp_stream *s)
{
	return mp_codec_get(s->codec)->bytes_per_ms * MP_TICK_MS;
}

/* Give audio to the call as if it had come in a packet. */
static void deliver(struct mp_socket *k, const uint8_t *audio, size_t len)
{
	struct mp_stream *s = k->owner;
	const struct mp_codec *c = mp_codec_get(s->codec);
	uint8_t packet[MP_HEADROOM + MP_PLAYQ_FRAME_MAX];
	struct mp_packet p = {.codec = s->codec,
	                      .seq = ++k->seq,
	                      .ts = k->ts,
	                      .ssrc = (uint32_t)s->obj.handle,
	                      .payload = packet + MP_HEADROOM,
	                      .len = len,
	                      .now_us = mp_worker_of(&s->obj)->now_us};

	memcpy(p.payload, audio, len);
	mp_socket_swap(s, p.payload, len);
	k->ts += (uint32_t)(len * (c->clock_rate / 1000) / c->bytes_per_ms);
	mp_stream_input(s, &p);
}

/* A gap: who hears us undecoded needs a packet all the same. */
static void deliver_silence(struct mp_socket *k)
{
	uint8_t frame[MP_PLAYQ_FRAME_MAX];
	const size_t len = mp_socket_frame_size(k->owner);

	if (!k->takes || !k->owner->relay)
		return;
	memset(frame, mp_codec_get(k->owner->codec)->silence, len);
	deliver(k, frame, len);
}

/* -- putting in ------------------------------------------------------------------------------------ */

static void check_level(struct mp_socket *k)
{
	const bool was = k->xoff;

	if (!was && k->queue.frames >= MP_SOCKET_XOFF)
		k->xoff = true;
	else if (was && k->queue.frames < MP_SOCKET_XON)
		k->xoff = false;
	if (k->xoff != was && k->protocol != MP_SOCKET_AUDIOSOCKET && k->protocol != MP_SOCKET_RAW)
		mp_socket_say_level(k);
}

/* Audio from the peer, in pieces of any length. */
void mp_socket_queue(struct mp_socket *k, const uint8_t *audio, size_t len)
{
	struct mp_worker *w = mp_worker_of(&k->owner->obj);
	struct mp_playq_item item;

	if (!k->takes)
		return;
	mp_add(&w->counters.socket_rx_dropped, mp_playq_put(&k->queue, audio, len));
	if (!k->passthrough) {
		check_level(k);
		return;
	}
	while (mp_playq_next(&k->queue, &item) == MP_PLAYQ_FRAME)
		deliver(k, item.data, item.len);
}

/* The peer's message is complete: what is passed through goes on as it is. */
void mp_socket_message_end(struct mp_socket *k)
{
	if (!k->passthrough || !k->queue.partial_len)
		return;
	deliver(k, k->queue.partial, k->queue.partial_len);
	k->queue.partial_len = 0;
}

void mp_socket_flush(struct mp_socket *k)
{
	mp_playq_clear(&k->queue);
	k->buffering = false;
	k->window = k->excess = 0;
	check_level(k);
}

/* -- taking out ------------------------------------------------------------------------------------ */

static void watch_latency(struct mp_socket *k)
{
	const unsigned waiting = (unsigned)k->queue.frames;

	if (!k->window) {
		k->least = waiting;
		k->most = 0;
	}
	if (waiting < k->least)
		k->least = waiting;
	if (waiting > k->most)
		k->most = waiting;
	if (++k->window < WINDOW)
		return;
	k->window = 0;
	k->excess = k->least > LIVE_LEAST && k->most <= LIVE_MOST ? k->least - LIVE_LEAST : 0;
}

static bool is_silent(const struct mp_socket *k, const struct mp_playq_item *item)
{
	const struct mp_codec *c = mp_codec_get(k->owner->codec);
	uint8_t wire[MP_PLAYQ_FRAME_MAX];
	int16_t pcm[MP_PLAYQ_FRAME_MAX];
	size_t n;

	memcpy(wire, item->data, item->len);
	mp_socket_swap(k->owner, wire, item->len);
	n = c->decode(wire, item->len, pcm, sizeof(pcm) / sizeof(pcm[0]));
	return mp_mix_level(pcm, n) < SILENT_LEVEL;
}

static bool may_skip(struct mp_socket *k, const struct mp_playq_item *item)
{
	if (!k->excess || k->buffering || k->queue.frames < LIVE_LEAST || !is_silent(k, item))
		return false;
	k->excess--;
	MP_COUNT(mp_worker_of(&k->owner->obj), socket_skipped);
	return true;
}

/* Play the next frame, and report the marks before it. Returns false if there is none. */
static bool play_next(struct mp_socket *k)
{
	struct mp_playq_item item;

	while (mp_playq_next(&k->queue, &item) != MP_PLAYQ_EMPTY) {
		if (item.kind != MP_PLAYQ_FRAME) {
			mp_socket_say_mark(k, &item);
		} else if (!may_skip(k, &item)) {
			deliver(k, item.data, item.len);
			return true;
		}
	}
	return false;
}

void mp_socket_play(struct mp_socket *k)
{
	bool played = false;

	if (!k->paused) {
		watch_latency(k);
		if (!k->queue.frames && !k->buffering)
			mp_playq_pad(&k->queue, mp_codec_get(k->owner->codec)->silence);
		played = play_next(k);
		check_level(k);
		if (!played && k->report_drained) {
			k->report_drained = false;
			mp_socket_say_drained(k);
		}
	}
	if (!played)
		deliver_silence(k);
}
