/* Ring modulation between two low-pass filters: only the lower, inverted side band remains. */
#include "scramble.h"

#include <math.h>
#include <string.h>

#define PI        3.14159265358979323846
#define CUTOFF_HZ 3000.0

/* One half of a Butterworth filter of fourth order. */
static void low_pass(struct mp_biquad *f, double rate, double q)
{
	const double w = 2 * PI * CUTOFF_HZ / rate, alpha = sin(w) / (2 * q), a0 = 1 + alpha;

	memset(f, 0, sizeof(*f));
	f->b0 = f->b2 = (1 - cos(w)) / 2 / a0;
	f->b1 = (1 - cos(w)) / a0;
	f->a1 = -2 * cos(w) / a0;
	f->a2 = (1 - alpha) / a0;
}

static double filter(struct mp_biquad *f, double x)
{
	const double y = f->b0 * x + f->b1 * f->x1 + f->b2 * f->x2 - f->a1 * f->y1 - f->a2 * f->y2;

	f->x2 = f->x1;
	f->x1 = x;
	f->y2 = f->y1;
	f->y1 = y;
	return y;
}

void mp_scramble_init(struct mp_scramble *s, uint32_t rate)
{
	static const double Q[2] = {0.54119610, 1.3065630};

	for (int i = 0; i < 2; i++) {
		low_pass(&s->before[i], rate, Q[i]);
		low_pass(&s->after[i], rate, Q[i]);
	}
	s->phase = 0;
	s->step = 2 * PI * MP_SCRAMBLE_HZ / rate;
}

void mp_scramble_run(struct mp_scramble *s, int16_t *pcm, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		double y = filter(&s->before[1], filter(&s->before[0], pcm[i]));

		y *= 2 * cos(s->phase);
		s->phase = fmod(s->phase + s->step, 2 * PI);
		y = filter(&s->after[1], filter(&s->after[0], y));
		pcm[i] = (int16_t)lrint(fmax(-32768, fmin(32767, y)));
	}
}
