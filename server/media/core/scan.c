/* Loudness and tones of what is heard. */
#include "scan.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "mix.h"
#include "tone.h"

#define FRAME_MS   20
#define MAX_FRAMES 4
#define PI         3.14159265358979323846
#define LEVEL_DBM0 (-43.0) /* a weaker tone is none */

int mp_scan_init(struct mp_scan *s, const struct mp_scan_conf *conf)
{
	if (!s || !conf || !conf->threshold || conf->threshold > INT16_MAX || !conf->frames ||
	    conf->frames > MAX_FRAMES || !conf->share_permille || conf->share_permille > 1000 ||
	    conf->count > MP_SCAN_TONES)
		return EINVAL;
	memset(s, 0, sizeof(*s));
	s->conf = *conf;
	s->mask = UINT32_MAX;
	return 0;
}

static void start_window(struct mp_scan *s)
{
	s->filled = s->samples = 0;
	s->energy = 0;
	memset(s->s1, 0, sizeof(s->s1));
	memset(s->s2, 0, sizeof(s->s2));
}

static void tune(struct mp_scan *s, uint32_t rate)
{
	s->rate = rate;
	start_window(s);
	for (uint32_t k = 0; k < s->conf.count; k++)
		s->coef[k] = (float)(2 * cos(2 * PI * s->conf.hz[k] / rate));
}

static void filter(struct mp_scan *s, const int16_t *pcm, size_t n)
{
	const uint32_t count = s->conf.count;

	for (size_t i = 0; i < n; i++) {
		const float x = pcm[i];

		s->energy += x * x;
		for (uint32_t k = 0; k < count; k++) {
			const float y = x + s->coef[k] * s->s1[k] - s->s2[k];

			s->s2[k] = s->s1[k];
			s->s1[k] = y;
		}
	}
	s->samples += (uint32_t)n;
}

/* A sine of amplitude A has the power (A n / 2)^2 here, and the energy A^2 n / 2. */
static uint32_t judge(const struct mp_scan *s)
{
	const float half = (float)s->samples / 2;
	const float level = (float)mp_tone_peak(LEVEL_DBM0) * half;
	const float share = (float)s->conf.share_permille / 1000 * s->energy * half;
	uint32_t tones = 0;

	for (uint32_t k = 0; k < s->conf.count; k++) {
		const float power =
		        s->s1[k] * s->s1[k] + s->s2[k] * s->s2[k] - s->coef[k] * s->s1[k] * s->s2[k];

		if (power >= level * level && power >= share)
			tones |= 2u << k;
	}
	return tones;
}

static bool is_due(const struct mp_scan *s)
{
	if (!s->conf.interval_ms || (s->conf.skip_idle && !s->mask))
		return false;
	return s->ms - s->reported >= s->conf.interval_ms;
}

bool mp_scan_feed(struct mp_scan *s, const int16_t *pcm, size_t n, uint32_t rate, uint32_t *mask,
                  uint64_t *at_ms, uint64_t *now_ms)
{
	uint32_t heard;
	uint64_t began;

	if (!s || !pcm || !n || !rate || !mask || !at_ms || !now_ms)
		return false;
	if (rate != s->rate)
		tune(s, rate);
	began = s->ms;
	s->ms += FRAME_MS;
	if (s->conf.count) {
		filter(s, pcm, n);
		if (++s->filled == s->conf.frames) {
			const uint32_t tones = judge(s);

			start_window(s);
			if (tones != s->tones) /* it was so from the window's start on */
				began = s->ms - (uint64_t)s->conf.frames * FRAME_MS;
			s->tones = tones;
		}
	}
	heard = s->tones | (mp_mix_level(pcm, n) > s->conf.threshold ? MP_SCAN_LOUD : 0);
	if (heard == s->mask && !is_due(s))
		return false;
	*at_ms = heard == s->mask ? s->reported : began;
	*mask = s->mask = heard;
	*now_ms = s->reported = s->ms;
	return true;
}
