/* Pitch shifting in time: overlapping jumps that keep the waveform's phase (SOLA). */
#include "pitch.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#define ROOM 8192 /* samples kept, a power of two: more than the longest delay and jump at 16 kHz */
#define SKIP 2    /* every second sample is enough to find the place */

struct mp_pitch {
	double ratio;
	size_t fade;      /* samples of a crossfade, and of what is compared */
	size_t search;    /* samples around `jump` that are tried */
	size_t jump;      /* samples, on average */
	double low, high; /* the delay that makes it jump */
	uint64_t written;
	double at, from; /* where it reads; while fading, where it read before */
	size_t fading;   /* samples left */
	int16_t ring[ROOM];
};

int mp_pitch_open(struct mp_pitch **pp, uint32_t rate, double ratio)
{
	struct mp_pitch *p;

	*pp = NULL;
	if (rate < 8000 || rate > 48000 || !(ratio >= MP_PITCH_MIN && ratio <= MP_PITCH_MAX))
		return EINVAL;
	p = calloc(1, sizeof(*p));
	if (!p)
		return ENOMEM;
	p->ratio = ratio;
	p->fade = rate / 100;
	p->search = rate / 100;
	/* a jump has to last for longer than the crossfade after it */
	p->jump = p->search + p->fade + (size_t)(1.5 * fabs(ratio - 1) * (double)p->fade);
	p->low = ratio > 1 ? (ratio - 1) * (double)p->fade + 4 : 0;
	p->high = p->low + (double)(p->jump + p->search + 4);
	p->written = ROOM;
	p->at = ROOM - (ratio > 1 ? p->high : 4);
	*pp = p;
	return 0;
}

static double sample(const struct mp_pitch *p, double at)
{
	const uint64_t i = (uint64_t)at;
	const double a = p->ring[i % ROOM], b = p->ring[(i + 1) % ROOM];

	return a + (b - a) * (at - (double)i);
}

/* How well what lies before `b` fits what lies before `a`. */
static double likeness(const struct mp_pitch *p, uint64_t a, uint64_t b)
{
	double product = 0, energy = 1;

	for (size_t i = 1; i <= p->fade; i += SKIP) {
		const double x = p->ring[(a - i) % ROOM], y = p->ring[(b - i) % ROOM];

		product += x * y;
		energy += y * y;
	}
	return product / sqrt(energy);
}

static void jump(struct mp_pitch *p, int direction)
{
	const uint64_t here = (uint64_t)p->at;
	double best = -1e30;
	int64_t by = 0;

	for (size_t d = p->jump - p->search; d <= p->jump + p->search; d++) {
		const int64_t step = direction * (int64_t)d;
		const double fits = likeness(p, here, here + (uint64_t)step);

		if (fits > best) {
			best = fits;
			by = step;
		}
	}
	p->from = p->at;
	p->at += (double)by;
	p->fading = p->fade;
}

static double next(struct mp_pitch *p)
{
	double y = sample(p, p->at);

	if (p->fading) {
		const double share = (double)p->fading / (double)p->fade;

		y = y * (1 - share) + sample(p, p->from) * share;
		p->from += p->ratio;
		p->fading--;
	}
	p->at += p->ratio;
	return y;
}

void mp_pitch_run(struct mp_pitch *p, int16_t *pcm, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		double delay;

		p->ring[p->written++ % ROOM] = pcm[i];
		delay = (double)p->written - 1 - p->at;
		if (!p->fading && p->ratio > 1 && delay < p->low)
			jump(p, -1);
		else if (!p->fading && p->ratio < 1 && delay > p->high)
			jump(p, 1);
		pcm[i] = (int16_t)lrint(next(p));
	}
}

void mp_pitch_close(struct mp_pitch *p)
{
	free(p);
}
