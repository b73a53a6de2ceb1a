/* Packet loss concealment by repeating the last pitch period. */
#include "plc.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

enum {
	PITCH_MIN_MS = 5,  /* 200 Hz */
	PITCH_MAX_MS = 15, /* 66 Hz */
	COMPARE_MS = 20,   /* stretch of the past that is correlated */
	HOLD_MS = 10,      /* full level so long, G.711 appendix I */
	FADE_MS = 50,      /* then down to nothing */
	JOINT_MS = 4,      /* cross-fade into good audio, ... */
	JOINT_MAX_MS = 10, /* ... longer after longer losses */
	HISTORY_PITCHES = 3
};

int mp_plc_init(struct mp_plc *p, uint32_t rate)
{
	if (!p)
		return EINVAL;
	if (rate != 8000 && rate != 16000)
		return ENOTSUP;
	memset(p, 0, sizeof(*p));
	p->rate = rate;
	return 0;
}

static size_t ms_samples(const struct mp_plc *p, size_t ms)
{
	return p->rate / 1000 * ms;
}

static size_t history_len(const struct mp_plc *p)
{
	return ms_samples(p, PITCH_MAX_MS) * HISTORY_PITCHES;
}

static void remember(struct mp_plc *p, const int16_t *pcm, size_t n)
{
	const size_t len = history_len(p);

	if (n > len) {
		pcm += n - len;
		n = len;
	}
	memmove(p->history, p->history + n, (len - n) * sizeof(*pcm));
	memcpy(p->history + len - n, pcm, n * sizeof(*pcm));
	p->filled = p->filled + n < len ? (uint32_t)(p->filled + n) : (uint32_t)len;
}

/* Normalised correlation of the newest samples with those `lag` before. */
static float likeness(const int16_t *newest, size_t lag, size_t n)
{
	const int16_t *older = newest - lag;
	float cross = 0, energy = 1;

	for (size_t i = 0; i < n; i++) {
		cross += (float)newest[i] * older[i];
		energy += (float)older[i] * older[i];
	}
	return cross > 0 ? cross * cross / energy : 0;
}

static size_t find_pitch(const struct mp_plc *p)
{
	const size_t n = ms_samples(p, COMPARE_MS);
	const int16_t *newest = p->history + history_len(p) - n;
	const size_t max = ms_samples(p, PITCH_MAX_MS);
	size_t best = max;
	float best_likeness = 0;

	for (size_t lag = ms_samples(p, PITCH_MIN_MS); lag <= max; lag++) {
		const float value = likeness(newest, lag, n);

		if (value > best_likeness) {
			best_likeness = value;
			best = lag;
		}
	}
	return best;
}

/* a fades out, b fades in; place i of n */
static int16_t cross_fade(int16_t a, int16_t b, size_t i, size_t n)
{
	const float w = (float)(i + 1) / (float)(n + 1);

	return (int16_t)lrintf((float)a * (1 - w) + (float)b * w);
}

/* The last period, its end bent so that it runs on into its beginning. */
static void take_period(struct mp_plc *p)
{
	const size_t pitch = find_pitch(p);
	const size_t quarter = pitch / 4;
	const int16_t *end = p->history + history_len(p);

	p->pitch = (uint32_t)pitch;
	p->offset = 0;
	memcpy(p->period, end - pitch, pitch * sizeof(*p->period));
	for (size_t i = 0; i < quarter; i++)
		p->period[pitch - quarter + i] = cross_fade(end[(ptrdiff_t)i - (ptrdiff_t)quarter],
		                                            *(end - pitch - quarter + i), i, quarter);
}

/* Level of the sample that is `lost` samples into the loss, 0 to 1. */
static float level_at(const struct mp_plc *p, size_t lost)
{
	const float ms = (float)lost * 1000 / (float)p->rate;

	if (ms <= HOLD_MS)
		return 1;
	return ms < HOLD_MS + FADE_MS ? 1 - (ms - HOLD_MS) / FADE_MS : 0;
}

static int16_t next_sample(struct mp_plc *p)
{
	const float y = (float)p->period[p->offset] * level_at(p, p->lost);

	p->offset = p->offset + 1 < p->pitch ? p->offset + 1 : 0;
	if (p->lost < UINT32_MAX)
		p->lost++;
	return (int16_t)lrintf(y);
}

/* The period may not begin where the past ended: lead over from the past, played backwards. */
static void lead_over(const struct mp_plc *p, int16_t *pcm, size_t n)
{
	const int16_t *last = p->history + history_len(p) - 1;
	const size_t quarter = p->pitch / 4;
	const size_t len = quarter < n ? quarter : n;

	for (size_t i = 0; i < len; i++)
		pcm[i] = cross_fade(*(last - i), pcm[i], i, len);
}

void mp_plc_conceal(struct mp_plc *p, int16_t *pcm, size_t n)
{
	bool first;

	if (!p || !pcm || !n)
		return;
	first = p->lost == 0;
	if (first && p->filled == history_len(p))
		take_period(p);
	else if (first)
		p->pitch = 0; /* too little is known of the signal */
	if (!p->pitch) {
		memset(pcm, 0, n * sizeof(*pcm));
		p->lost += (uint32_t)n;
		return;
	}
	for (size_t i = 0; i < n; i++)
		pcm[i] = next_sample(p);
	if (first)
		lead_over(p, pcm, n);
	remember(p, pcm, n);
}

void mp_plc_good(struct mp_plc *p, int16_t *pcm, size_t n)
{
	if (!p || !pcm || !n)
		return;
	if (p->lost && p->pitch) {
		const size_t most = ms_samples(p, JOINT_MAX_MS);
		size_t len = ms_samples(p, JOINT_MS) + p->lost / 10;

		len = len < most ? len : most;
		len = len < n ? len : n;
		for (size_t i = 0; i < len; i++)
			pcm[i] = cross_fade(next_sample(p), pcm[i], i, len);
	}
	p->lost = 0;
	remember(p, pcm, n);
}
