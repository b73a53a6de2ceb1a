/* Digits that go out: a queue of digits and pauses, played as RFC 4733 events or as tones. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core.h"

#define UNITS_PER_MS 8
#define END_REPEATS  2 /* the end packet is sent three times in all (RFC 4733 section 2.5.1.4) */

static struct mp_dtmf_job *present(struct mp_dtmf_out *d)
{
	return &d->jobs[d->head];
}

static void add(struct mp_dtmf_out *d, char digit, int64_t ms)
{
	if (!ms)
		return;
	d->jobs[(d->head + d->count++) % MP_DTMF_JOBS] =
	        (struct mp_dtmf_job){.digit = digit, .ms = (uint16_t)ms};
}

/* ms: before between duration after. Pauses longer than a job's field are split. */
static void add_pause(struct mp_dtmf_out *d, int64_t ms)
{
	for (; ms > UINT16_MAX; ms -= UINT16_MAX)
		add(d, 0, UINT16_MAX);
	add(d, 0, ms);
}

int mp_dtmf_send(struct mp_stream *s, const char *digits, const int64_t ms[4], uint64_t cookie)
{
	const size_t pauses = (size_t)(ms[0] / UINT16_MAX + ms[3] / UINT16_MAX) + 2;
	const size_t len = strlen(digits);
	struct mp_dtmf_out *d;

	if (s->sock) { /* digits are messages there, and take no time */
		mp_socket_send_digits(s->sock, digits);
		if (cookie)
			mp_worker_emit(mp_worker_of(&s->obj), MP_EVENT_COMPLETED, s->obj.handle,
			               (int64_t)cookie, 0, 0, 0, 0);
		return 0;
	}
	if (!s->dtmf_out)
		s->dtmf_out = calloc(1, sizeof(*s->dtmf_out));
	d = s->dtmf_out;
	if (!d)
		return ENOMEM;
	if (d->count + pauses + len * (2 + (size_t)(ms[1] / UINT16_MAX)) > MP_DTMF_JOBS) {
		MP_COUNT(mp_worker_of(&s->obj), dtmf_dropped);
		return ENOBUFS;
	}
	add_pause(d, ms[0]);
	for (size_t i = 0; i < len; i++) {
		if (i)
			add_pause(d, ms[1]);
		add(d, digits[i], ms[2]);
	}
	add_pause(d, ms[3]);
	d->jobs[(d->head + d->count - 1) % MP_DTMF_JOBS].cookie = cookie;
	mp_stream_update(s);
	return 0;
}

static void complete(struct mp_stream *s, int error)
{
	struct mp_dtmf_out *d = s->dtmf_out;
	const uint64_t cookie = present(d)->cookie;

	d->head = (d->head + 1) % MP_DTMF_JOBS;
	d->count--;
	d->elapsed_ms = 0;
	d->tail = 0;
	if (cookie)
		mp_worker_emit(mp_worker_of(&s->obj), MP_EVENT_COMPLETED, s->obj.handle, (int64_t)cookie,
		               error, 0, 0, 0);
}

bool mp_dtmf_is_sounding(const struct mp_stream *s)
{
	return s->dtmf_out && s->dtmf_out->count && s->dtmf_out->jobs[s->dtmf_out->head].digit;
}

/* A block of 20 ms; the last one three times, in consecutive ticks. */
static void tick_event(struct mp_stream *s, struct mp_dtmf_out *d)
{
	const struct mp_dtmf_job *job = present(d);
	const bool first = d->elapsed_ms == 0;
	struct mp_rtp_event event = {.digit = job->digit, .volume = MP_DTMF_VOLUME};

	if (d->elapsed_ms < job->ms)
		d->elapsed_ms += MP_TICK_MS;
	if (d->elapsed_ms > job->ms)
		d->elapsed_ms = job->ms;
	event.end = d->elapsed_ms >= job->ms;
	event.duration = (uint16_t)(d->elapsed_ms * UNITS_PER_MS);
	mp_stream_send_event(s, &event, first);
	if (event.end && d->tail++ == END_REPEATS)
		complete(s, 0);
}

static void tick_tone(struct mp_stream *s, struct mp_dtmf_out *d)
{
	const struct mp_dtmf_job *job = present(d);
	const uint32_t rate = mp_stream_rate(s);
	int16_t pcm[MP_FRAME_MAX] = {0};

	if (!d->elapsed_ms && mp_dtmf_gen_init(&d->gen, job->digit, rate, job->ms)) {
		complete(s, EINVAL);
		return;
	}
	(void)mp_dtmf_gen_read(&d->gen, pcm, rate / MP_FRAMES_PER_S);
	mp_stream_send_frame(s, pcm, rate / MP_FRAMES_PER_S);
	d->elapsed_ms += MP_TICK_MS;
	if (d->elapsed_ms >= job->ms)
		complete(s, 0);
}

/* Returns true if it used this tick's output. */
bool mp_dtmf_tick(struct mp_stream *s)
{
	struct mp_dtmf_out *d = s->dtmf_out;

	if (!d)
		return false;
	if (!d->count) { /* all is sent: an idle call needs no queue */
		free(d);
		s->dtmf_out = NULL;
		return false;
	}
	if (!present(d)->digit) {
		d->elapsed_ms += MP_TICK_MS;
		if (d->elapsed_ms >= present(d)->ms)
			complete(s, 0);
		mp_stream_update(s);
		return false;
	}
	if (!d->elapsed_ms)
		d->in_band = !mp_stream_takes_events(s);
	if (d->in_band)
		tick_tone(s, d);
	else
		tick_event(s, d);
	return true;
}

void mp_dtmf_cancel(struct mp_stream *s)
{
	while (s->dtmf_out && s->dtmf_out->count)
		complete(s, ECANCELED);
}
