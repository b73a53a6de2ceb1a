/*
 * RFC 4733 digits that come in.
 *
 * All packets of a digit share a timestamp, and its end is sent three times: a digit is reported once, at
 * the first packet with the end bit, or when a new digit begins, or when its packets cease.
 */
#include "core.h"

#define UNITS_PER_MS 8 /* telephone-event runs at 8 kHz here */

static void begin(struct mp_stream *s, struct mp_worker *w, char digit, uint32_t ts)
{
	s->dtmf_in.digit = digit;
	s->dtmf_in.has_ts = true;
	s->dtmf_in.ts = ts;
	w->open_digits++;
	if (w->next_scan_us > w->now_us + MP_TICK_US)
		w->next_scan_us = w->now_us + MP_TICK_US;
	mp_worker_emit(w, MP_EVENT_DTMF_BEGIN, s->obj.handle, digit, 0, 0, 0, 0);
}

static void end(struct mp_stream *s, struct mp_worker *w)
{
	struct mp_dtmf_in *d = &s->dtmf_in;
	const uint32_t ms = d->duration / UNITS_PER_MS;
	const char digit = d->digit;
	const bool was_relayed = s->relay && mp_stream_takes_events(s->relay);

	d->digit = 0;
	w->open_digits--;
	mp_worker_emit(w, MP_EVENT_DTMF_END, s->obj.handle, digit, ms, 0, 0, 0);
	if (!was_relayed)
		mp_dtmf_forward(s, digit, ms);
}

void mp_dtmf_received(struct mp_stream *s, struct mp_packet *p)
{
	struct mp_worker *w = mp_worker_of(&s->obj);
	struct mp_dtmf_in *d = &s->dtmf_in;
	struct mp_rtp_event event;

	if (mp_rtp_event_parse(&event, p->payload, p->len))
		return; /* flash and other events: passed on, not reported */
	if (d->has_ts && p->ts == d->ts && !d->digit)
		return; /* its end was reported */
	if (d->has_ts && (int32_t)(p->ts - d->ts) < 0 && (int32_t)(p->ts - d->ts) > -80000)
		return; /* reordered: belongs to an earlier digit */
	if (d->digit && (p->ts != d->ts || event.digit != d->digit))
		end(s, w);
	if (!d->digit) {
		d->duration = 0;
		begin(s, w, event.digit, p->ts);
	}
	if (event.duration > d->duration)
		d->duration = event.duration;
	d->last_us = p->now_us;
	if (event.end)
		end(s, w);
}

void mp_dtmf_scan(struct mp_stream *s, uint64_t now_us)
{
	struct mp_worker *w = mp_worker_of(&s->obj);

	if (s->dtmf_in.digit &&
	    now_us - s->dtmf_in.last_us > (uint64_t)w->engine->conf.dtmf_timeout_ms * 1000)
		end(s, w);
}

/* The in-band detector's mp_dtmf_h. */
void mp_dtmf_inband(char digit, bool is_begin, uint32_t duration_ms, void *stream)
{
	struct mp_stream *s = stream;
	struct mp_worker *w = mp_worker_of(&s->obj);

	if (s->drop_in & MP_DROP_DTMF)
		return;
	if (is_begin)
		mp_worker_emit(w, MP_EVENT_DTMF_BEGIN, s->obj.handle, digit, 0, 0, 0, 0);
	else
		mp_worker_emit(w, MP_EVENT_DTMF_END, s->obj.handle, digit, duration_ms, 0, 0, 0);
}

/* Pass a digit on to the other members of the bridge, from scratch. */
void mp_dtmf_forward(struct mp_stream *s, char digit, uint32_t duration_ms)
{
	const char digits[2] = {digit, 0};
	const int64_t ms[4] = {0, 0, duration_ms < 40 ? 40 : duration_ms > 2000 ? 2000 : duration_ms, 40};

	if (!s->bridge || !s->dtmf_pass || s->bridge_mute || s->bridge->holding)
		return;
	for (size_t i = 0; i < s->bridge->count; i++) {
		if (s->bridge->members[i] != s && !(s->bridge->members[i]->drop_out & MP_DROP_DTMF))
			(void)mp_dtmf_send(s->bridge->members[i], digits, ms, 0);
	}
}
