/* From the socket to the relay peer, the jitter buffer and the digit detector. */
#include <errno.h>
#include <string.h>

#include "core.h"

#define STREAM_OF(watch, member) (MP_ENTRY(watch, struct mp_rtp_session, member)->owner)
#define BURST_US                 2000 /* ready again within: more may wait, so read on */
#define BURST                    16   /* packets per pass of one socket */
#define PT_CN                    13   /* comfort noise (RFC 3389): known, and left out */
#define RTCP_PT_MIN              192  /* RFC 5761 section 4 */
#define RTCP_PT_MAX              223

/* The source was found trustworthy: with symmetric RTP we send there too. */
static void follow_source(struct mp_stream *s, const struct mp_addr *from)
{
	struct mp_rtp_session *r = s->rtp;

	if (!r->symmetric || mp_addr_equal(&r->remote, from))
		return;
	r->remote = *from;
	mp_stream_connect(s);
	if (r->rtcp_remote_fixed)
		return;
	r->rtcp_remote = *from;
	if (!r->rtcp_mux)
		r->rtcp_remote.u.in.sin_port = htons((uint16_t)(ntohs(from->u.in.sin_port) + 1));
}

static bool is_trusted(struct mp_stream *s, struct mp_worker *w, const struct mp_addr *from, uint16_t seq)
{
	const struct mp_engine_conf *conf = &w->engine->conf;
	struct mp_rtp_session *r = s->rtp;

	if (r->filter.state == MP_LEARN_LOCKED && mp_addr_equal(&r->filter.trusted, from))
		return true;
	if (!mp_filter_accepts(&r->filter, conf->strict, conf->probation, &r->signalled, from, seq)) {
		MP_COUNT(w, rx_bad_source);
		return false;
	}
	if (r->filter.state == MP_LEARN_LOCKED)
		follow_source(s, from);
	return true;
}

static bool is_rtcp(const uint8_t *buf, size_t len)
{
	return len >= 8 && buf[0] >> 6 == 2 && buf[1] >= RTCP_PT_MIN && buf[1] <= RTCP_PT_MAX;
}

static void received(struct mp_stream *s, struct mp_worker *w, uint8_t *buf, size_t len,
                     const struct mp_addr *from)
{
	struct mp_rtp_session *r = s->rtp;
	struct mp_packet p;
	struct mp_rtp rtp;

	if (r->rtcp_mux && is_rtcp(buf, len)) {
		mp_rtcp_received(s, buf, len, from);
		return;
	}
	if (mp_rtp_parse(&rtp, buf, len)) {
		MP_COUNT(w, rx_bad);
		return;
	}
	if (r->filter.state == MP_LEARN_OFF) { /* nobody said yet who may send */
		MP_COUNT(w, rx_refused);
		return;
	}
	if (!is_trusted(s, w, from, rtp.seq))
		return;
	if (r->trace)
		mp_worker_emit(w, MP_EVENT_RTP_PACKET, s->obj.handle, 0, rtp.payload_type, rtp.seq, rtp.ts,
		               (int64_t)rtp.len);
	r->last_rx_us = w->now_us;
	r->timeout_reported = false;
	const bool is_event = rtp.payload_type == r->dtmf_payload_type;
	const enum mp_codec_id codec = is_event ? MP_CODEC_NONE : r->receive_map[rtp.payload_type];
	const struct mp_codec *c = mp_codec_get(codec);

	mp_stats_received(&r->stats, &rtp, c ? c->clock_rate : 8000, w->now_us, !is_event);
	if (!is_event && !c) {
		if (rtp.payload_type != PT_CN)
			MP_COUNT(w, rx_unknown_payload);
		return;
	}
	if (!(r->direction & MP_DIRECTION_RECEIVE)) {
		MP_COUNT(w, rx_refused);
		return;
	}
	p = (struct mp_packet){.codec = codec,
	                       .marker = rtp.marker,
	                       .seq = rtp.seq,
	                       .ts = rtp.ts,
	                       .ssrc = rtp.ssrc,
	                       .payload = buf + (rtp.payload - buf),
	                       .len = rtp.len,
	                       .now_us = w->now_us};
	mp_stream_input(s, &p);
}

static void read_rtp(struct mp_stream *s, struct mp_watch *watch, struct mp_worker *w)
{
	const int limit = w->now_us - watch->ready_us < BURST_US ? BURST : 1;
	struct mp_addr from;

	watch->ready_us = w->now_us;
	for (int i = 0; i < limit; i++) {
		from.len = sizeof(from.u);
		const ssize_t got = recvfrom(watch->fd, w->buf + MP_HEADROOM, MP_RTP_MAX, MSG_DONTWAIT,
		                             &from.u.sa, &from.len);

		if (got < 0)
			return;
		MP_COUNT(w, rx_packets);
		received(s, w, w->buf + MP_HEADROOM, (size_t)got, &from);
	}
}

void mp_rtp_ready(struct mp_watch *watch, struct mp_worker *w)
{
	read_rtp(STREAM_OF(watch, rtp), watch, w);
}

void mp_rtp_peer_ready(struct mp_watch *watch, struct mp_worker *w)
{
	read_rtp(STREAM_OF(watch, peer), watch, w);
}

void mp_rtcp_ready(struct mp_watch *watch, struct mp_worker *w)
{
	struct mp_stream *s = STREAM_OF(watch, rtcp);
	struct mp_addr from = {.len = sizeof(from.u)};
	const ssize_t got = recvfrom(watch->fd, w->buf, MP_RTP_MAX, MSG_DONTWAIT, &from.u.sa, &from.len);

	if (got >= 0)
		mp_rtcp_received(s, w->buf, (size_t)got, &from);
}

static void input_event(struct mp_stream *s, struct mp_packet *p)
{
	struct mp_stream *peer = s->relay;

	if (peer && s->dtmf_pass && !s->bridge_mute && mp_stream_takes_events(peer)) {
		const uint8_t event[MP_EVENT_PAYLOAD] = {p->payload[0], p->payload[1], p->payload[2],
		                                         p->payload[3]};

		mp_stream_relay(peer, s, p);
		memcpy(p->payload, event, sizeof(event));
	}
	mp_dtmf_received(s, p);
}

void mp_stream_input(struct mp_stream *s, struct mp_packet *p)
{
	if (p->codec == MP_CODEC_NONE) {
		if (s->drop_in & MP_DROP_DTMF)
			return;
		if (p->len >= MP_EVENT_PAYLOAD)
			input_event(s, p);
		else
			MP_COUNT(mp_worker_of(&s->obj), rx_bad);
		return;
	}
	if (mp_stream_is_muted_in(s))
		return;
	if (s->pcm) /* before the relay, which may rewrite what lies before the payload */
		mp_pcm_put(s, p);
	if (s->relay && !s->bridge_mute)
		mp_stream_relay(s->relay, s, p);
}
