/* Records a stream or a mix: limits and talk times here, the file behind mp_sink. */
#include <errno.h>
#include <stdlib.h>

#include "core.h"

#define BEEP_HZ        1000.0
#define BEEP_PEAK      8000.0
#define BEEP_MS        200
#define TALK_THRESHOLD 256 /* Asterisk's default silence threshold */

static uint64_t duration_ms(const struct mp_recorder *r)
{
	return r->rate ? r->samples * 1000 / r->rate : 0;
}

static void report_done(struct mp_recorder *r, struct mp_worker *w, enum mp_end reason, int error)
{
	const uint64_t total = duration_ms(r), talked = mp_vad_talked_ms(&r->vad);

	mp_link_remove(&r->working);
	mp_sink_close(r->sink);
	r->sink = NULL;
	mp_worker_emit(w, MP_EVENT_RECORDER_DONE, r->obj.handle, reason, (int64_t)total, (int64_t)talked,
	               (int64_t)(total > talked ? total - talked : 0), error);
}

void mp_recorder_start(struct mp_recorder *r, struct mp_worker *w, struct mp_stream *s, struct mp_bridge *b,
                       uint32_t rate)
{
	int err;

	r->stream = s;
	r->bridge = b;
	r->rate = rate;
	mp_link_add(&w->recorders, &r->working);
	mp_worker_need_tick(w);
	(void)mp_vad_init(&r->vad, rate, TALK_THRESHOLD, 200);
	err = mp_sink_open(&r->sink, w->engine->files, r->path, r->format, r->flags, rate);
	if (err) {
		mp_worker_emit(w, MP_EVENT_RECORDER_OPENED, r->obj.handle, err, 0, 0, 0, 0);
		r->ending = true;
		r->stream = NULL;
		r->bridge = NULL;
		report_done(r, w, MP_END_FAILED, err);
		return;
	}
	mp_link_add(s ? &s->recorders : &b->recorders, &r->link);
	if (r->beep && s) {
		r->beep_left = mp_stream_rate(s) * BEEP_MS / 1000;
		mp_sine_init(&r->beep_tone, BEEP_HZ, BEEP_PEAK, mp_stream_rate(s));
	}
}

/* Leave the stream; the file is completed behind. */
void mp_recorder_finish(struct mp_recorder *r, enum mp_end reason)
{
	struct mp_stream *s = r->stream;
	struct mp_bridge *b = r->bridge;

	if (r->ending)
		return;
	r->ending = true;
	r->reason = reason;
	r->beep_left = 0;
	mp_link_remove(&r->link);
	r->stream = NULL;
	r->bridge = NULL;
	mp_sink_finish(r->sink);
	mp_resampler_close(r->resampler);
	r->resampler = NULL;
	if (s)
		mp_stream_update(s);
	else if (b)
		mp_bridge_update(b);
}

static void check_limits(struct mp_recorder *r)
{
	if (r->max_duration_ms && duration_ms(r) >= r->max_duration_ms)
		mp_recorder_finish(r, MP_END_MAX_DURATION);
	else if (r->max_silence_ms && mp_vad_quiet_ms(&r->vad) >= r->max_silence_ms)
		mp_recorder_finish(r, MP_END_SILENCE);
}

static const int16_t *at_own_rate(struct mp_recorder *r, const int16_t *pcm, size_t *n, uint32_t rate,
                                  int16_t *out, size_t room)
{
	size_t in_n = *n;

	if (rate == r->rate)
		return pcm;
	if (r->resampler && r->resampler_rate != rate) {
		mp_resampler_close(r->resampler);
		r->resampler = NULL;
	}
	if (!r->resampler && mp_resampler_open(&r->resampler, rate, r->rate))
		return NULL;
	r->resampler_rate = rate;
	*n = room;
	return mp_resampler_process(r->resampler, pcm, &in_n, out, n) ? NULL : out;
}

void mp_recorder_feed(struct mp_recorder *r, const int16_t *pcm, size_t n, uint32_t rate)
{
	int16_t other[MP_FRAME_MAX + 8];
	static const int16_t SILENCE[MP_FRAME_MAX];

	if (r->ending || r->paused || r->beep_left)
		return;
	pcm = at_own_rate(r, pcm, &n, rate, other, sizeof(other) / sizeof(other[0]));
	if (!pcm || n > MP_FRAME_MAX)
		return;
	if (r->muted)
		pcm = SILENCE;
	(void)mp_vad_feed(&r->vad, pcm, n);
	(void)mp_sink_write(r->sink, pcm, n); /* what doesn't fit is counted there */
	r->samples += n;
}

/* The beep before the recording. Returns false if there is none (any more). */
bool mp_recorder_beep(struct mp_recorder *r, int16_t *pcm, size_t n)
{
	if (!r->beep_left)
		return false;
	for (size_t i = 0; i < n; i++)
		pcm[i] = r->beep_left > i ? (int16_t)mp_sine_next(&r->beep_tone) : 0;
	r->beep_left = r->beep_left > n ? r->beep_left - (uint32_t)n : 0;
	return true;
}

/* Once a tick, after all audio: limits, and what became of the file. */
void mp_recorder_poll(struct mp_recorder *r, struct mp_worker *w)
{
	const enum mp_sink_state state = mp_sink_state(r->sink);
	const int error = state == MP_SINK_ERROR ? mp_sink_error(r->sink) : 0;

	if (!r->ending)
		check_limits(r);
	if (state != MP_SINK_OPENING && !r->reported_open) {
		r->reported_open = true;
		mp_worker_emit(w, MP_EVENT_RECORDER_OPENED, r->obj.handle, error, 0, 0, 0, 0);
	}
	if (state == MP_SINK_ERROR) {
		mp_recorder_finish(r, MP_END_FAILED);
		report_done(r, w, MP_END_FAILED, error);
	} else if (state == MP_SINK_DONE && r->ending) {
		report_done(r, w, r->reason, 0);
	}
}

/* Control thread, when no worker has it. */
void mp_recorder_free(struct mp_recorder *r)
{
	if (!r)
		return;
	mp_sink_close(r->sink);
	mp_resampler_close(r->resampler);
	free(r->path);
	free(r->format);
	free(r);
}
