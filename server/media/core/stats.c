/* RTP statistics after RFC 3550 appendix A, and series of reported values. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "core.h"

#define MAX_DROPOUT 3000 /* RFC 3550 appendix A.1 */

static double load(const _Atomic double *v)
{
	return atomic_load_explicit(v, memory_order_relaxed);
}

static void store(_Atomic double *v, double value)
{
	atomic_store_explicit(v, value, memory_order_relaxed);
}

void mp_series_add(struct mp_series_data *s, double value)
{
	const uint64_t count = atomic_load_explicit(&s->count, memory_order_relaxed) + 1;
	const double delta = value - load(&s->mean);

	store(&s->last, value);
	store(&s->min, count == 1 || value < load(&s->min) ? value : load(&s->min));
	store(&s->max, count == 1 || value > load(&s->max) ? value : load(&s->max));
	store(&s->mean, load(&s->mean) + delta / (double)count); /* Welford */
	store(&s->m2, load(&s->m2) + delta * (value - load(&s->mean)));
	atomic_store_explicit(&s->count, count, memory_order_relaxed);
}

void mp_series_read(const struct mp_series_data *s, struct mp_series *out)
{
	const uint64_t count = atomic_load_explicit(&s->count, memory_order_relaxed);

	out->last = load(&s->last);
	out->min = load(&s->min);
	out->max = load(&s->max);
	out->mean = load(&s->mean);
	out->deviation = count > 1 ? sqrt(load(&s->m2) / (double)(count - 1)) : 0.0;
}

static void restart(struct mp_rtp_stats *s, const struct mp_rtp *rtp)
{
	s->has_seq = true;
	s->max_seq = rtp->seq;
	s->cycles = 0;
	s->base_seq = rtp->seq;
	s->received = 0;
	s->expected_prior = 0;
	s->received_prior = 0;
	s->has_transit = false;
	atomic_store_explicit(&s->remote_ssrc, rtp->ssrc, memory_order_relaxed);
}

static void update_sequence(struct mp_rtp_stats *s, const struct mp_rtp *rtp)
{
	const uint16_t step = (uint16_t)(rtp->seq - s->max_seq);

	if (!s->has_seq || rtp->ssrc != atomic_load_explicit(&s->remote_ssrc, memory_order_relaxed)) {
		restart(s, rtp);
	} else if (step < MAX_DROPOUT) {
		if (rtp->seq < s->max_seq)
			s->cycles += 1u << 16;
		s->max_seq = rtp->seq;
	} else if (step < 0x10000 - MAX_DROPOUT) {
		restart(s, rtp); /* the sender jumped */
	}
	s->received++;
}

static void update_jitter(struct mp_rtp_stats *s, const struct mp_rtp *rtp, uint32_t clock_rate,
                          uint64_t now_us)
{
	const uint32_t arrival = (uint32_t)(now_us * clock_rate / 1000000);
	const uint32_t transit = arrival - rtp->ts;
	const double d = fabs((double)(int32_t)(transit - s->transit));

	if (s->has_transit && d < clock_rate) /* a jump of a second is no jitter */
		store(&s->jitter, load(&s->jitter) + (d / clock_rate - load(&s->jitter)) / 16.0);
	s->has_transit = true;
	s->transit = transit;
}

void mp_stats_received(struct mp_rtp_stats *s, const struct mp_rtp *rtp, uint32_t clock_rate,
                       uint64_t now_us, bool is_audio)
{
	update_sequence(s, rtp);
	if (is_audio) /* an event's packets share one timestamp */
		update_jitter(s, rtp, clock_rate, now_us);
	mp_add(&s->rx_packets, 1);
	mp_add(&s->rx_octets, rtp->len);
	const uint64_t expected = (uint64_t)s->cycles + s->max_seq - s->base_seq + 1;
	const uint64_t lost = expected > s->received ? expected - s->received : 0;
	atomic_store_explicit(&s->rx_lost, lost, memory_order_relaxed);
}

/* ITU-T G.107 in short: loss and delay to R, R to MOS. */
static double mos(double loss, double delay_s)
{
	const double ms = delay_s * 1000.0;
	double r = 93.2 - (ms < 160 ? ms / 40.0 : (ms - 120) / 10.0) - loss * 250.0;

	if (r < 0)
		r = 0;
	return 1.0 + 0.035 * r + r * (r - 60) * (100 - r) * 0.000007;
}

static double loss_ratio(uint64_t lost, uint64_t packets)
{
	return packets + lost ? (double)lost / (double)(packets + lost) : 0.0;
}

void mp_stats_snapshot(const struct mp_stream *s, struct mp_stream_stats *out)
{
	const struct mp_rtp_stats *st;
	const struct mp_series_data *series;

	*out = (struct mp_stream_stats){0};
	if (!s->rtp)
		return;
	st = &s->rtp->stats;
	out->rx_packets = atomic_load_explicit(&st->rx_packets, memory_order_relaxed);
	out->rx_octets = atomic_load_explicit(&st->rx_octets, memory_order_relaxed);
	out->rx_lost = atomic_load_explicit(&st->rx_lost, memory_order_relaxed);
	out->tx_packets = atomic_load_explicit(&st->tx_packets, memory_order_relaxed);
	out->tx_octets = atomic_load_explicit(&st->tx_octets, memory_order_relaxed);
	out->tx_lost = atomic_load_explicit(&st->tx_lost, memory_order_relaxed);
	out->local_ssrc = s->rtp->out.ssrc;
	out->remote_ssrc = atomic_load_explicit(&st->remote_ssrc, memory_order_relaxed);
	series = atomic_load_explicit(&st->series, memory_order_acquire);
	if (series) {
		mp_series_read(&series[MP_SERIES_JITTER], &out->jitter);
		mp_series_read(&series[MP_SERIES_REMOTE_JITTER], &out->remote_jitter);
		mp_series_read(&series[MP_SERIES_LOSS], &out->loss);
		mp_series_read(&series[MP_SERIES_REMOTE_LOSS], &out->remote_loss);
		mp_series_read(&series[MP_SERIES_RTT], &out->rtt);
	}
	out->jitter.last = load(&st->jitter);
	out->mos = mos(loss_ratio(out->rx_lost, out->rx_packets), out->rtt.last / 2);
	out->remote_mos = mos(loss_ratio(out->tx_lost, out->tx_packets), out->rtt.last / 2);
}
