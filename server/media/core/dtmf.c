/* In-band DTMF: two sines out, eight Goertzel filters in. */
#include "dtmf.h"

#include <errno.h>
#include <math.h>
#include <string.h>

/* ITU-T Q.23 */
static const double low_hz[4] = {697, 770, 852, 941};
static const double high_hz[4] = {1209, 1336, 1477, 1633};
static const char keys[4][5] = {"123A", "456B", "789C", "*0#D"};

#define LOW_DBM0  (-10.0)
#define HIGH_DBM0 (-8.0) /* lines attenuate the high group more */
#define RAMP_MS   2
#define PI        3.14159265358979323846

/*
 * Limits of the detector, after Q.24. Windows of 12.75 ms (102 samples at 8 kHz: narrow enough) are judged
 * every half window. A window that the tones cover by less than PURITY is a miss.
 */
#define WINDOW_US     12750
#define LEVEL_DBM0    (-40.0) /* of each tone */
#define TWIST_LOW     6.3f    /* 8 dB: how much stronger the low tone may be */
#define TWIST_HIGH    2.5f    /* 4 dB: and the high one */
#define PEAK_RATIO    6.3f    /* 8 dB: a tone above the others of its group */
#define PURITY        0.72f   /* share of the window's energy in the two tones; 1.5 % off leaves 0.76 */
#define HITS_TO_BEGIN 4       /* 40 ms hold at least four whole windows, 23 ms at most three pure ones */
#define MISSES_TO_END 5       /* a gap of 10 ms spoils at most four, a pause of 40 ms at least seven */

/* -- generator ---------------------------------------------------------------------------------- */

static bool find_key(char digit, int *row, int *column)
{
	if (digit >= 'a' && digit <= 'd')
		digit = (char)(digit - 'a' + 'A');
	for (*row = 0; digit && *row < 4; ++*row) {
		const char *hit = strchr(keys[*row], digit);

		if (hit) {
			*column = (int)(hit - keys[*row]);
			return true;
		}
	}
	return false;
}

int mp_dtmf_gen_init(struct mp_dtmf_gen *g, char digit, uint32_t rate, uint32_t duration_ms)
{
	int row, column;

	if (!g || rate < 8000 || rate > 48000 || !find_key(digit, &row, &column))
		return EINVAL;
	memset(g, 0, sizeof(*g));
	mp_sine_init(&g->low, low_hz[row], mp_tone_peak(LOW_DBM0), rate);
	mp_sine_init(&g->high, high_hz[column], mp_tone_peak(HIGH_DBM0), rate);
	g->left = duration_ms ? (uint64_t)duration_ms * rate / 1000 : UINT64_MAX;
	g->ramp = rate * RAMP_MS / 1000;
	return 0;
}

static uint64_t min_u64(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

size_t mp_dtmf_gen_read(struct mp_dtmf_gen *g, int16_t *pcm, size_t n)
{
	size_t i;

	if (!g || !pcm)
		return 0;
	for (i = 0; i < n && g->left; i++) {
		const double y = mp_sine_next(&g->low) + mp_sine_next(&g->high);
		const uint64_t edge = min_u64(min_u64(g->done, g->left), g->ramp);

		pcm[i] = (int16_t)lrint(y * (double)edge / g->ramp);
		g->done++;
		if (g->left != UINT64_MAX)
			g->left--;
	}
	return i;
}

void mp_dtmf_gen_stop(struct mp_dtmf_gen *g)
{
	if (g)
		g->left = min_u64(g->left, g->ramp);
}

/* -- detector ----------------------------------------------------------------------------------- */

int mp_dtmf_det_init(struct mp_dtmf_det *d, uint32_t rate)
{
	if (!d)
		return EINVAL;
	if (rate != 8000 && rate != 16000)
		return ENOTSUP;
	memset(d, 0, sizeof(*d));
	d->rate = rate;
	d->hop = rate / 1000 * WINDOW_US / 1000 / 2;
	for (int k = 0; k < 8; k++) {
		const double w = 2 * PI * (k < 4 ? low_hz[k] : high_hz[k - 4]) / rate;

		d->coef[k] = (float)(2 * cos(w));
		d->cos_w[k] = (float)cos(w);
		d->sin_w[k] = (float)sin(w);
		d->cos_hop[k] = (float)cos(w * d->hop);
		d->sin_hop[k] = (float)sin(w * d->hop);
	}
	return 0;
}

static void filter(struct mp_dtmf_det *d, const int16_t *pcm, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const float x = pcm[i];

		d->energy += x * x;
		for (int k = 0; k < 8; k++) { /* eight lanes: vectorised */
			const float s = x + d->coef[k] * d->s1[k] - d->s2[k];

			d->s2[k] = d->s1[k];
			d->s1[k] = s;
		}
	}
}

/*
 * Powers of the eight tones in the window that ends now, in units in which a tone of amplitude A has
 * (A n / 2)^2. The window's spectrum is that of the hop before, turned on by one hop, plus this hop's;
 * so overlapping windows cost nothing per sample.
 */
static void powers(struct mp_dtmf_det *d, float p[8])
{
	for (int k = 0; k < 8; k++) {
		const float re = d->s1[k] - d->s2[k] * d->cos_w[k];
		const float im = d->s2[k] * d->sin_w[k];
		const float sum_re = re + d->re[k] * d->cos_hop[k] - d->im[k] * d->sin_hop[k];
		const float sum_im = im + d->re[k] * d->sin_hop[k] + d->im[k] * d->cos_hop[k];

		p[k] = sum_re * sum_re + sum_im * sum_im;
		d->re[k] = re;
		d->im[k] = im;
	}
}

static int strongest(const float p[4])
{
	int best = 0;

	for (int k = 1; k < 4; k++)
		best = p[k] > p[best] ? k : best;
	return best;
}

static bool stands_out(const float p[4], int best)
{
	for (int k = 0; k < 4; k++) {
		if (k != best && p[k] * PEAK_RATIO > p[best])
			return false;
	}
	return true;
}

/* The digit that the window which ends now shows, or 0. */
static char judge(struct mp_dtmf_det *d)
{
	const float half = (float)d->hop; /* half of the window's samples */
	const float level = (float)mp_tone_peak(LEVEL_DBM0) * half;
	float p[8], low, high;
	int row, column;

	powers(d, p);
	row = strongest(p);
	column = strongest(p + 4);
	low = p[row];
	high = p[4 + column];
	if (low < level * level || high < level * level)
		return 0;
	if (low > high * TWIST_LOW || high > low * TWIST_HIGH)
		return 0;
	if (!stands_out(p, row) || !stands_out(p + 4, column))
		return 0;
	if (low + high < PURITY * (d->energy + d->energy_before) * half)
		return 0;
	return keys[row][column];
}

static void end_digit(struct mp_dtmf_det *d, mp_dtmf_h *h, void *arg)
{
	const char digit = d->digit;

	if (!digit)
		return;
	d->digit = 0;
	h(digit, false, (uint32_t)((uint64_t)(d->on + 1) * d->hop * 1000 / d->rate), arg);
}

static void step(struct mp_dtmf_det *d, char seen, mp_dtmf_h *h, void *arg)
{
	d->hits = seen && seen == d->last ? d->hits + 1 : seen != 0;
	d->last = seen;
	if (d->digit && seen == d->digit) {
		d->on += d->misses + 1; /* a gap that was bridged belongs to the digit */
		d->misses = 0;
		return;
	}
	d->misses++;
	if (d->misses == MISSES_TO_END)
		end_digit(d, h, arg);
	if (d->hits < HITS_TO_BEGIN)
		return;
	end_digit(d, h, arg);
	d->digit = seen;
	d->on = d->hits;
	d->misses = 0;
	h(seen, true, 0, arg);
}

static void start_hop(struct mp_dtmf_det *d)
{
	memset(d->s1, 0, sizeof(d->s1));
	memset(d->s2, 0, sizeof(d->s2));
	d->energy_before = d->energy;
	d->energy = 0;
	d->count = 0;
}

void mp_dtmf_det_feed(struct mp_dtmf_det *d, const int16_t *pcm, size_t n, mp_dtmf_h *h, void *arg)
{
	if (!d || !pcm || !h)
		return;
	while (n) {
		const size_t left = d->hop - d->count;
		const size_t part = n < left ? n : left;

		filter(d, pcm, part);
		d->count += (uint32_t)part;
		pcm += part;
		n -= part;
		if (d->count == d->hop) {
			const char seen = judge(d);

			start_hop(d);
			step(d, seen, h, arg);
		}
	}
}

void mp_dtmf_det_flush(struct mp_dtmf_det *d, mp_dtmf_h *h, void *arg)
{
	if (!d || !h)
		return;
	end_digit(d, h, arg);
	(void)mp_dtmf_det_init(d, d->rate);
}
