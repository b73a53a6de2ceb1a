/*
 * AudioSocket: frames of a kind, a length and a payload on TCP. We are the client; the first frame says by
 * a UUID which call it is. Linear audio, little-endian; each sampling rate is a kind of its own.
 */
#include "socket.h"

#include <errno.h>
#include <string.h>

#define HEADER      3
#define KIND_HANGUP 0x00
#define KIND_UUID   0x01
#define KIND_DTMF   0x03
#define KIND_AUDIO  0x10 /* 8 kHz; the next ones as in RATES */
#define UUID_BYTES  16
#define BLOCK       480 /* samples that are converted at a time */

static const uint32_t RATES[] = {8000, 12000, 16000, 24000, 32000, 44100, 48000, 96000, 192000};
#define RATE_COUNT (sizeof(RATES) / sizeof(RATES[0]))

/* -- out ------------------------------------------------------------------------------------------- */

static void send_frame(struct mp_socket *k, uint8_t kind, const uint8_t *payload, size_t len, bool is_media)
{
	uint8_t frame[HEADER + MP_PACKET_MAX] = {kind, (uint8_t)(len >> 8), (uint8_t)len};

	memcpy(frame + HEADER, payload, len);
	mp_socket_write(k, frame, HEADER + len, is_media);
}

void mp_audiosocket_greet(struct mp_socket *k, const uint8_t uuid[UUID_BYTES])
{
	send_frame(k, KIND_UUID, uuid, UUID_BYTES, false);
}

void mp_audiosocket_send_digit(struct mp_socket *k, char digit)
{
	const uint8_t payload = (uint8_t)digit;

	send_frame(k, KIND_DTMF, &payload, 1, false);
}

static uint8_t kind_of(uint32_t rate)
{
	uint8_t kind = KIND_AUDIO;

	while (kind - KIND_AUDIO < (int)RATE_COUNT - 1 && RATES[kind - KIND_AUDIO] != rate)
		kind++;
	return kind;
}

void mp_audiosocket_send(struct mp_socket *k, const uint8_t *payload, size_t len)
{
	if (len <= MP_PACKET_MAX)
		send_frame(k, kind_of(mp_stream_rate(k->owner)), payload, len, true);
}

/* -- in -------------------------------------------------------------------------------------------- */

static bool is_audio(uint8_t kind)
{
	return kind >= KIND_AUDIO && kind < KIND_AUDIO + RATE_COUNT;
}

static bool prepare(struct mp_as_in *in, uint32_t from, uint32_t to)
{
	if (in->resampler && in->rate == from)
		return true;
	mp_resampler_close(in->resampler);
	in->resampler = NULL;
	in->rate = from;
	return mp_resampler_open(&in->resampler, from, to) == 0;
}

/* Bring samples to the stream's rate and queue them. */
static void convert(struct mp_socket *k, const int16_t *in, size_t n)
{
	while (n) {
		int16_t out[BLOCK];
		uint8_t wire[2 * BLOCK];
		size_t used = n, made = BLOCK;

		if (mp_resampler_process(k->as.resampler, in, &used, out, &made) || (!used && !made))
			return;
		for (size_t i = 0; i < made; i++) {
			wire[2 * i] = (uint8_t)out[i];
			wire[2 * i + 1] = (uint8_t)((uint16_t)out[i] >> 8);
		}
		mp_socket_queue(k, wire, 2 * made);
		in += used;
		n -= used;
	}
}

/* Audio of another rate than the stream's, in pieces that may end inside a sample. */
static void take_other(struct mp_socket *k, const uint8_t *data, size_t len, uint32_t rate)
{
	struct mp_as_in *in = &k->as;
	int16_t pcm[BLOCK];
	size_t n = 0;

	if (!prepare(in, rate, mp_stream_rate(k->owner))) {
		MP_COUNT(mp_worker_of(&k->owner->obj), no_memory);
		return;
	}
	for (size_t i = 0; i < len; i++) {
		if (in->has_odd)
			pcm[n++] = (int16_t)(uint16_t)(data[i] << 8 | in->odd);
		in->has_odd = !in->has_odd;
		in->odd = data[i];
		if (n == BLOCK) {
			convert(k, pcm, n);
			n = 0;
		}
	}
	convert(k, pcm, n);
}

static void take_audio(struct mp_socket *k, const uint8_t *data, size_t len)
{
	const uint32_t rate = RATES[k->as.head[0] - KIND_AUDIO];

	if (k->queue.frames >= MP_SOCKET_MAX)
		mp_add(&mp_worker_of(&k->owner->obj)->counters.socket_rx_dropped, len);
	else if (rate == mp_stream_rate(k->owner))
		mp_socket_queue(k, data, len);
	else
		take_other(k, data, len, rate);
}

/* A header is complete. Returns false if the connection ends with it. */
static bool begin_frame(struct mp_socket *k)
{
	struct mp_as_in *in = &k->as;

	in->left = (size_t)in->head[1] << 8 | in->head[2];
	in->has_odd = false;
	if (in->head[0] == KIND_HANGUP) {
		mp_socket_end(k, MP_SOCKET_HUNG_UP, MP_WS_NORMAL, 0);
		return false;
	}
	if (is_audio(in->head[0]) && in->left)
		return true;
	MP_COUNT(mp_worker_of(&k->owner->obj), socket_rx_bad);
	mp_socket_end(k, MP_SOCKET_FAILED, MP_WS_NORMAL, EPROTO);
	return false;
}

void mp_audiosocket_feed(struct mp_socket *k, const uint8_t *data, size_t len)
{
	struct mp_as_in *in = &k->as;

	while (len) {
		size_t n = 1;

		if (in->head_len < HEADER) {
			in->head[in->head_len++] = *data;
			if (in->head_len == HEADER && !begin_frame(k))
				return;
		} else {
			n = in->left < len ? in->left : len;
			in->left -= n;
			take_audio(k, data, n - (!in->left && in->head[2] & 1)); /* half a sample */
			if (!in->left)
				in->head_len = 0;
		}
		data += n;
		len -= n;
	}
}
