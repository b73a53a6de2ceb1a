/*
 * What goes out: packets of a relay peer with a new header, or frames of our own.
 *
 * One SSRC, one sequence and one clock per stream, whoever feeds it. When the source changes, the sequence
 * goes on by one and the timestamp by the time that went by; the first packet has the marker bit.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core.h"

#define EVENT_ENDS 3     /* the end is sent three times (RFC 4733 section 2.5.1.4) */
#define GAP_US     60000 /* own frames further apart: the timestamp follows the clock again */

static bool can_send(const struct mp_rtp_session *r)
{
	return (r->direction & MP_DIRECTION_SEND) && r->remote.len && r->remote.u.in.sin_port;
}

bool mp_stream_is_sending(const struct mp_stream *s)
{
	if (s->snoop)
		return s->snoop->target != NULL;
	if (s->type == MP_STREAM_SOCKET)
		return mp_socket_is_sending(s->sock);
	return s->type == MP_STREAM_LOCAL ? s->pair != NULL : s->type == MP_STREAM_RTP && can_send(s->rtp);
}

static uint32_t clock_rate(const struct mp_rtp_out *out)
{
	return mp_codec_get(out->codec)->clock_rate;
}

/* The timestamp that fits the present moment. */
static uint32_t ts_now(const struct mp_rtp_out *out, uint64_t now_us)
{
	const uint64_t elapsed = (now_us - out->ts_us) * clock_rate(out) / 1000000;

	return out->ts + (uint32_t)(elapsed ? elapsed : 1);
}

static int send_packet(const struct mp_rtp_session *r, const uint8_t *packet, size_t len)
{
	const int flags = MSG_DONTWAIT | MSG_NOSIGNAL;

	if (r->peer.fd < 0)
		return sendto(r->rtp.fd, packet, len, flags, &r->remote.u.sa, r->remote.len) < 0 ? errno
		                                                                                 : 0;
	if (send(r->peer.fd, packet, len, flags) >= 0)
		return 0;
	if (errno != ECONNREFUSED) /* the answer to an earlier packet: this one was not sent */
		return errno;
	return send(r->peer.fd, packet, len, flags) < 0 ? errno : 0;
}

static void transmit(struct mp_stream *s, const struct mp_rtp *rtp, uint8_t *packet, size_t payload_len,
                     uint64_t now_us)
{
	struct mp_worker *w = mp_worker_of(&s->obj);
	struct mp_rtp_session *r = s->rtp;
	struct mp_rtp_out *out = &r->out;

	mp_rtp_write(packet, rtp);
	if (!out->started || rtp->ts != out->ts) {
		out->ts = rtp->ts;
		out->ts_us = now_us;
	}
	if (!out->started || (int16_t)(rtp->seq - out->seq) > 0)
		out->seq = rtp->seq;
	out->started = true;
	if (send_packet(r, packet, MP_RTP_HEADER + payload_len)) {
		MP_COUNT(w, tx_failed);
		return;
	}
	if (r->trace)
		mp_worker_emit(w, MP_EVENT_RTP_PACKET, s->obj.handle, 1, rtp->payload_type, rtp->seq,
		               rtp->ts, (int64_t)payload_len);
	MP_COUNT(w, tx_packets);
	mp_add(&r->stats.tx_packets, 1);
	mp_add(&r->stats.tx_octets, payload_len);
}

static void send_block(struct mp_stream *s, const struct mp_rtp_event *event, uint32_t ts, bool marker)
{
	struct mp_rtp_out *out = &s->rtp->out;
	const struct mp_rtp rtp = {.marker = marker,
	                           .payload_type = (uint8_t)out->dtmf_payload_type,
	                           .seq = (uint16_t)(out->seq + 1),
	                           .ts = ts,
	                           .ssrc = out->ssrc};
	uint8_t packet[MP_HEADROOM + MP_EVENT_PAYLOAD];

	if (!mp_rtp_event_write(packet + MP_HEADROOM, event))
		transmit(s, &rtp, packet, MP_EVENT_PAYLOAD, mp_worker_of(&s->obj)->now_us);
}

/* Another source takes over in the middle of a relayed digit: the far end must learn that it ended. */
static void finish_event(struct mp_stream *s)
{
	struct mp_rtp_out *out = &s->rtp->out;
	struct mp_rtp_event event = out->open_event;

	out->open_event.digit = 0;
	event.end = true;
	for (int i = 0; i < EVENT_ENDS && out->dtmf_payload_type >= 0; i++)
		send_block(s, &event, out->ts, false);
}

static void note_event(struct mp_rtp_out *out, const struct mp_packet *p)
{
	struct mp_rtp_event event;

	if (mp_rtp_event_parse(&event, p->payload, p->len))
		return;
	out->open_event = event;
	if (event.end)
		out->open_event.digit = 0;
}

/* Map another sender's numbers onto ours. */
static void follow(struct mp_rtp_out *out, const struct mp_stream *from, const struct mp_packet *p)
{
	const uint32_t ts = out->started ? ts_now(out, p->now_us) : out->ts;

	out->source = from;
	out->source_ssrc = p->ssrc;
	out->seq_delta = (uint16_t)(out->seq + 1 - p->seq);
	out->ts_delta = ts - p->ts;
	out->duration = 0;
}

/* Turn the payload into another codec. Returns false if the rates differ. */
bool mp_packet_transcode(struct mp_packet *p, enum mp_codec_id codec, uint8_t *payload, size_t room)
{
	const struct mp_codec *in = mp_codec_get(p->codec), *to = mp_codec_get(codec);
	int16_t pcm[MP_PACKET_MAX / 2];
	size_t n;

	if (in->clock_rate != to->clock_rate)
		return false;
	n = in->decode(p->payload, p->len, pcm, sizeof(pcm) / sizeof(pcm[0]));
	p->len = to->encode(pcm, n, payload, room);
	p->payload = payload;
	return true;
}

static void relay_rtp(struct mp_stream *s, const struct mp_stream *from, struct mp_packet *p)
{
	struct mp_rtp_out *out = &s->rtp->out;
	uint8_t other[MP_PACKET_MAX];
	struct mp_rtp rtp;
	bool is_new = false;

	if (!can_send(s->rtp))
		return;
	if (p->codec != MP_CODEC_NONE && p->codec != out->codec &&
	    !mp_packet_transcode(p, out->codec, other + MP_HEADROOM, sizeof(other) - MP_HEADROOM)) {
		MP_COUNT(mp_worker_of(&s->obj), relay_no_codec);
		return;
	}
	if (out->source != from || out->source_ssrc != p->ssrc) {
		if (out->open_event.digit)
			finish_event(s);
		is_new = out->started;
		follow(out, from, p);
	}
	if (p->codec == MP_CODEC_NONE)
		note_event(out, p);
	rtp.marker = p->marker || is_new;
	rtp.payload_type = p->codec == MP_CODEC_NONE ? (uint8_t)out->dtmf_payload_type : out->payload_type;
	rtp.seq = (uint16_t)(p->seq + out->seq_delta);
	rtp.ts = p->ts + out->ts_delta;
	rtp.ssrc = out->ssrc;
	transmit(s, &rtp, p->payload - MP_HEADROOM, p->len, p->now_us);
}

void mp_stream_relay(struct mp_stream *s, const struct mp_stream *from, struct mp_packet *p)
{
	if (s->override || (p->codec != MP_CODEC_NONE && mp_stream_is_muted_out(s)) ||
	    (p->codec == MP_CODEC_NONE && (s->drop_out & MP_DROP_DTMF)))
		return;
	if (s->type == MP_STREAM_RTP) {
		relay_rtp(s, from, p);
	} else if (s->sock) {
		mp_socket_relay(s->sock, p);
	} else if (s->pair) {
		if (++p->hops > MP_MAX_HOPS)
			MP_COUNT(mp_worker_of(&s->obj), loops);
		else
			mp_stream_input(s->pair, p);
	}
}

/* -- our own frames ------------------------------------------------------------------------------ */

/* Numbers for the next packet of `duration` clock units of our own. */
static void next_own(struct mp_rtp_out *out, struct mp_rtp *rtp, uint32_t duration, uint64_t now_us)
{
	const bool goes_on = out->started && !out->source && out->duration &&
	                     now_us - out->ts_us < GAP_US + 1000u * out->ptime_ms;

	rtp->marker = out->started && !goes_on;
	rtp->payload_type = out->payload_type;
	rtp->ts = goes_on ? out->ts + out->duration : out->started ? ts_now(out, now_us) : out->ts;
	rtp->seq = (uint16_t)(out->seq + 1);
	rtp->ssrc = out->ssrc;
	out->source = NULL;
	out->duration = duration;
}

/* Collect audio until there is a packet's worth. */
static void send_waiting(struct mp_stream *s, const uint8_t *payload, size_t len, uint64_t now_us)
{
	struct mp_rtp_out *out = &s->rtp->out;
	const struct mp_codec *c = mp_codec_get(out->codec);
	const size_t unit = (size_t)out->ptime_ms * c->bytes_per_ms;
	struct mp_rtp rtp;

	if (!out->waiting) {
		out->waiting = malloc(MP_HEADROOM + 2 * (size_t)MP_PACKET_MAX);
		if (!out->waiting) {
			MP_COUNT(mp_worker_of(&s->obj), no_memory);
			return;
		}
	}
	if (out->waiting_len + len > 2 * (size_t)MP_PACKET_MAX)
		out->waiting_len = 0;
	memcpy(out->waiting + MP_HEADROOM + out->waiting_len, payload, len);
	out->waiting_len += len;
	while (out->waiting_len >= unit) {
		next_own(out, &rtp, out->ptime_ms * (c->clock_rate / 1000), now_us);
		transmit(s, &rtp, out->waiting, unit, now_us);
		out->waiting_len -= unit;
		memmove(out->waiting + MP_HEADROOM, out->waiting + MP_HEADROOM + unit, out->waiting_len);
	}
}

/* `packet` has MP_HEADROOM bytes before the payload. */
static void send_own(struct mp_stream *s, uint8_t *packet, size_t len, size_t n, uint64_t now_us)
{
	struct mp_rtp_out *out = &s->rtp->out;
	struct mp_rtp rtp;

	if (out->open_event.digit)
		finish_event(s);
	if (out->ptime_ms != MP_TICK_MS) {
		send_waiting(s, packet + MP_HEADROOM, len, now_us);
		return;
	}
	next_own(out, &rtp, (uint32_t)n, now_us);
	transmit(s, &rtp, packet, len, now_us);
}

static void send_local(struct mp_stream *s, uint8_t *packet, size_t len, size_t n, uint64_t now_us)
{
	struct mp_packet p = {
	        .codec = s->codec, .payload = packet + MP_HEADROOM, .len = len, .now_us = now_us};
	const uint64_t gap_us = now_us - s->local_us;

	s->local_ts += gap_us < GAP_US ? (uint32_t)n : (uint32_t)(gap_us * mp_stream_rate(s) / 1000000);
	s->local_us = now_us;
	p.ts = s->local_ts;
	p.seq = ++s->local_seq;
	p.ssrc = (uint32_t)s->obj.handle;
	mp_stream_input(s->pair, &p);
}

/* A frame on its way out, for those who work on frames. */
static void send_decoded(struct mp_stream *s, enum mp_codec_id id, const uint8_t *payload, size_t len)
{
	int16_t pcm[MP_FRAME_MAX];

	mp_stream_send_frame(s, pcm, mp_codec_get(id)->decode(payload, len, pcm, MP_FRAME_MAX));
}

void mp_stream_send_encoded(struct mp_stream *s, const uint8_t *payload, size_t len, size_t n)
{
	uint8_t packet[MP_PACKET_MAX];

	if (mp_stream_needs_frames(s)) {
		send_decoded(s, s->type == MP_STREAM_RTP ? s->rtp->out.codec : s->codec, payload, len);
		return;
	}
	if (mp_stream_is_muted_out(s) || !mp_stream_is_sending(s) || len > sizeof(packet) - MP_HEADROOM)
		return;
	memcpy(packet + MP_HEADROOM, payload, len);
	if (s->type == MP_STREAM_RTP)
		send_own(s, packet, len, n, mp_worker_of(&s->obj)->now_us);
	else if (s->sock)
		mp_socket_send(s->sock, packet + MP_HEADROOM, len);
	else
		send_local(s, packet, len, n, mp_worker_of(&s->obj)->now_us);
}

void mp_stream_send_frame(struct mp_stream *s, const int16_t *pcm, size_t n)
{
	const enum mp_codec_id id = s->type == MP_STREAM_RTP ? s->rtp->out.codec : s->codec;
	const struct mp_codec *c = mp_codec_get(id);
	uint8_t packet[MP_PACKET_MAX];
	int16_t own[MP_FRAME_MAX];
	bool is_silent = mp_stream_is_muted_out(s);
	size_t len;

	if (mp_stream_is_tapped(s) || s->effects_out) {
		if (is_silent)
			memset(own, 0, n * sizeof(own[0]));
		else
			memcpy(own, pcm, n * sizeof(own[0]));
		pcm = own;
	}
	if (mp_stream_is_tapped(s)) { /* a muted stream still hears whispers, as in Asterisk */
		is_silent = !mp_snoop_tap(s, MP_TAP_OUT, own, n) && is_silent;
		s->sent_tick = mp_worker_of(&s->obj)->tick;
	}
	if (s->effects_out)
		mp_effects_run(s->effects_out, own, n);
	if (is_silent || !mp_stream_is_sending(s))
		return;
	if (s->snoop) {
		mp_snoop_hear(s->snoop, pcm, n);
		return;
	}
	len = c->encode(pcm, n, packet + MP_HEADROOM, sizeof(packet) - MP_HEADROOM);
	if (s->type == MP_STREAM_RTP)
		send_own(s, packet, len, n, mp_worker_of(&s->obj)->now_us);
	else if (s->sock)
		mp_socket_send(s->sock, packet + MP_HEADROOM, len);
	else
		send_local(s, packet, len, n, mp_worker_of(&s->obj)->now_us);
}

/* -- events -------------------------------------------------------------------------------------- */

/* Whether digits can be given to it as RFC 4733 events. */
bool mp_stream_takes_events(const struct mp_stream *s)
{
	if (s->type == MP_STREAM_RTP)
		return s->rtp->out.dtmf_payload_type >= 0;
	return s->type == MP_STREAM_LOCAL;
}

/* A block of an event of our own; `first`: it begins, at the present time. */
void mp_stream_send_event(struct mp_stream *s, const struct mp_rtp_event *event, bool first)
{
	const uint64_t now_us = mp_worker_of(&s->obj)->now_us;
	uint8_t packet[MP_HEADROOM + MP_EVENT_PAYLOAD];
	struct mp_rtp rtp;

	if (mp_rtp_event_write(packet + MP_HEADROOM, event) || !mp_stream_is_sending(s))
		return;
	if (s->type == MP_STREAM_LOCAL) {
		struct mp_packet p = {.codec = MP_CODEC_NONE,
		                      .marker = first,
		                      .payload = packet + MP_HEADROOM,
		                      .len = MP_EVENT_PAYLOAD,
		                      .now_us = now_us,
		                      .seq = ++s->local_seq};

		if (first)
			s->local_ts += (uint32_t)((now_us - s->local_us) * mp_stream_rate(s) / 1000000) + 1;
		if (first)
			s->local_us = now_us;
		p.ts = s->local_ts;
		p.ssrc = (uint32_t)s->obj.handle;
		mp_stream_input(s->pair, &p);
		return;
	}
	struct mp_rtp_out *out = &s->rtp->out;

	if (out->open_event.digit)
		finish_event(s);
	if (first)
		next_own(out, &rtp, 0, now_us);
	send_block(s, event, first ? rtp.ts : out->ts, first);
}
