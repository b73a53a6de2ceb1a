/* RTCP of one stream: reports sent and received; RTP timeout, which shares the scan. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core.h"
#include "rtcp.h"

#define NTP_EPOCH 2208988800u /* 1970 in NTP seconds */

static void ntp_now(uint32_t *sec, uint32_t *frac)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	*sec = (uint32_t)((uint64_t)ts.tv_sec + NTP_EPOCH);
	*frac = (uint32_t)(((uint64_t)ts.tv_nsec << 32) / 1000000000u);
}

static struct mp_series_data *series(struct mp_stream *s)
{
	struct mp_rtp_stats *st = &s->rtp->stats;
	struct mp_series_data *all = atomic_load_explicit(&st->series, memory_order_relaxed);

	if (all)
		return all;
	all = calloc(MP_SERIES_COUNT, sizeof(*all));
	if (all) /* release: the control thread must see it zeroed */
		atomic_store_explicit(&st->series, all, memory_order_release);
	return all;
}

static uint32_t local_clock(const struct mp_stream *s)
{
	return mp_codec_get(s->rtp->out.codec)->clock_rate;
}

/* RFC 3550 appendix A.3 */
static void fill_block(struct mp_stream *s, struct mp_rtcp_block *b, uint64_t now_us)
{
	struct mp_rtp_stats *st = &s->rtp->stats;
	const uint64_t expected = (uint64_t)st->cycles + st->max_seq - st->base_seq + 1;
	const uint64_t expected_now = expected - st->expected_prior;
	const uint64_t received_now = st->received - st->received_prior;
	const int64_t lost = (int64_t)expected - (int64_t)st->received;
	const int64_t lost_now = (int64_t)expected_now - (int64_t)received_now;
	const double jitter = atomic_load_explicit(&st->jitter, memory_order_relaxed);
	struct mp_series_data *all = series(s);

	st->expected_prior = expected;
	st->received_prior = st->received;
	memset(b, 0, sizeof(*b));
	b->ssrc = atomic_load_explicit(&st->remote_ssrc, memory_order_relaxed);
	b->fraction =
	        expected_now && lost_now > 0 ? (uint8_t)((lost_now * 255) / (int64_t)expected_now) : 0;
	b->lost = (int32_t)(lost > 0x7fffff ? 0x7fffff : lost < -0x800000 ? -0x800000 : lost);
	b->highest_seq = st->cycles + st->max_seq;
	b->jitter = (uint32_t)(jitter * local_clock(s));
	if (s->rtp->last_sr) {
		b->lsr = s->rtp->last_sr;
		b->dlsr = (uint32_t)((now_us - s->rtp->last_sr_us) * 65536 / 1000000);
	}
	if (all) {
		mp_series_add(&all[MP_SERIES_JITTER], jitter);
		mp_series_add(&all[MP_SERIES_LOSS], lost_now > 0 ? (double)lost_now : 0.0);
	}
}

static void fill_sender(const struct mp_stream *s, struct mp_rtcp_sender *out, uint64_t now_us)
{
	const struct mp_rtp_session *r = s->rtp;

	ntp_now(&out->ntp_sec, &out->ntp_frac);
	out->rtp_ts = r->out.ts + (uint32_t)((now_us - r->out.ts_us) * local_clock(s) / 1000000);
	out->packets = (uint32_t)atomic_load_explicit(&r->stats.tx_packets, memory_order_relaxed);
	out->octets = (uint32_t)atomic_load_explicit(&r->stats.tx_octets, memory_order_relaxed);
}

/* A sender reports what it sent, a receiver what it got; who did neither since last time is silent. */
static void send_report(struct mp_stream *s, struct mp_worker *w, uint64_t now_us)
{
	struct mp_rtp_session *r = s->rtp;
	const uint64_t tx = atomic_load_explicit(&r->stats.tx_packets, memory_order_relaxed);
	const uint64_t rx = atomic_load_explicit(&r->stats.rx_packets, memory_order_relaxed);
	const bool sent = tx != r->tx_at_report, received = rx != r->rx_at_report;
	struct mp_rtcp_sender sender;
	struct mp_rtcp_block block;
	uint8_t buf[MP_RTCP_MAX];
	size_t len;

	r->tx_at_report = tx;
	r->rx_at_report = rx;
	if ((!sent && !received) || !r->rtcp_remote.len)
		return;
	if (sent)
		fill_sender(s, &sender, now_us);
	if (received)
		fill_block(s, &block, now_us);
	len = mp_rtcp_write(buf, r->out.ssrc, sent ? &sender : NULL, received ? &block : NULL,
	                    w->engine->cname);
	if (sendto(r->rtcp_mux ? r->rtp.fd : r->rtcp.fd, buf, len, MSG_DONTWAIT | MSG_NOSIGNAL,
	           &r->rtcp_remote.u.sa, r->rtcp_remote.len) >= 0)
		MP_COUNT(w, rtcp_tx);
	else
		MP_COUNT(w, tx_failed);
}

/* Spread over half to one and a half intervals (RFC 3550 section 6.2). */
static uint64_t next_report(const struct mp_stream *s, uint64_t now_us, uint64_t interval_us)
{
	const uint32_t spread = (s->rtp->out.ssrc ^ (uint32_t)now_us) * 2654435761u;

	return now_us + interval_us / 2 + (uint64_t)(spread >> 16) * interval_us / 65536;
}

void mp_rtcp_scan(struct mp_stream *s, uint64_t now_us)
{
	struct mp_worker *w = mp_worker_of(&s->obj);
	struct mp_rtp_session *r = s->rtp;
	const uint64_t interval_us = (uint64_t)w->engine->conf.rtcp_interval_ms * 1000;

	if (r->timeout_ms && !r->timeout_reported && (r->direction & MP_DIRECTION_RECEIVE) &&
	    now_us - r->last_rx_us > (uint64_t)r->timeout_ms * 1000) {
		r->timeout_reported = true;
		mp_worker_emit(w, MP_EVENT_RTP_TIMEOUT, s->obj.handle, 0, 0, 0, 0, 0);
	}
	if (!interval_us || now_us < r->next_rtcp_us)
		return;
	if (r->next_rtcp_us)
		send_report(s, w, now_us);
	r->next_rtcp_us = next_report(s, now_us, interval_us);
}

static void take_block(struct mp_stream *s, const struct mp_rtcp_block *b)
{
	struct mp_series_data *all = series(s);
	const uint64_t lost = b->lost > 0 ? (uint64_t)b->lost : 0;
	const uint64_t before = atomic_load_explicit(&s->rtp->stats.tx_lost, memory_order_relaxed);
	uint32_t sec, frac;

	atomic_store_explicit(&s->rtp->stats.tx_lost, lost, memory_order_relaxed);
	if (!all)
		return;
	mp_series_add(&all[MP_SERIES_REMOTE_JITTER], (double)b->jitter / local_clock(s));
	mp_series_add(&all[MP_SERIES_REMOTE_LOSS], lost > before ? (double)(lost - before) : 0.0);
	if (!b->lsr)
		return;
	ntp_now(&sec, &frac);
	const int32_t rtt = (int32_t)((sec << 16 | frac >> 16) - b->lsr - b->dlsr);
	if (rtt >= 0) /* a peer's clock may run a little fast */
		mp_series_add(&all[MP_SERIES_RTT], rtt / 65536.0);
}

void mp_rtcp_received(struct mp_stream *s, const uint8_t *buf, size_t len, const struct mp_addr *from)
{
	struct mp_worker *w = mp_worker_of(&s->obj);
	struct mp_rtp_session *r = s->rtp;
	struct mp_rtcp rtcp;

	if (mp_rtcp_parse(&rtcp, r->out.ssrc, buf, len)) {
		MP_COUNT(w, rtcp_bad);
		return;
	}
	MP_COUNT(w, rtcp_rx);
	if (r->symmetric && !r->rtcp_remote_fixed && r->filter.state == MP_LEARN_LOCKED)
		r->rtcp_remote = *from;
	if (rtcp.has_sender) {
		r->last_sr = rtcp.sender.ntp_sec << 16 | rtcp.sender.ntp_frac >> 16;
		r->last_sr_us = w->now_us;
	}
	if (rtcp.has_block)
		take_block(s, &rtcp.block);
}
