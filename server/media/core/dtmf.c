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

/* Limits of the detector, after Q.24. All compare powers. */
#define BLOCK_US      12750   /* 102 samples at 8 kHz: narrow enough, and two fit into 40 ms */
#define LEVEL_DBM0    (-40.0) /* of each tone */
#define TWIST_LOW     6.3f    /* 8 dB: how much stronger the low tone may be */
#define TWIST_HIGH    2.5f    /* 4 dB: and the high one */
#define PEAK_RATIO    6.3f    /* 8 dB: a tone above the others of its group */
#define PURITY        0.72f   /* share of the block's energy in the two tones; 1.5 % off leaves 0.8 */
#define HITS_TO_BEGIN 2       /* a 40 ms tone covers two blocks wherever it begins, a 17 ms one never */
#define MISSES_TO_END 3       /* a gap of 10 ms spoils two, a pause of 40 ms at least three */

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
	d->block = rate / 1000 * BLOCK_US / 1000;
	for (int i = 0; i < 4; i++) {
		d->coef[i] = (float)(2 * cos(2 * PI * low_hz[i] / rate));
		d->coef[4 + i] = (float)(2 * cos(2 * PI * high_hz[i] / rate));
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

/* Powers of the eight tones, in units in which a tone of amplitude A has (A n / 2)^2. */
static void powers(const struct mp_dtmf_det *d, float p[8])
{
	for (int k = 0; k < 8; k++)
		p[k] = d->s1[k] * d->s1[k] + d->s2[k] * d->s2[k] - d->coef[k] * d->s1[k] * d->s2[k];
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

/* The digit that the finished block shows, or 0. */
static char judge(const struct mp_dtmf_det *d)
{
	const float half = (float)d->block / 2;
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
	if (low + high < PURITY * d->energy * half)
		return 0;
	return keys[row][column];
}

static void end_digit(struct mp_dtmf_det *d, mp_dtmf_h *h, void *arg)
{
	const char digit = d->digit;

	if (!digit)
		return;
	d->digit = 0;
	h(digit, false, (uint32_t)((uint64_t)d->on_blocks * d->block * 1000 / d->rate), arg);
}

static void step(struct mp_dtmf_det *d, char seen, mp_dtmf_h *h, void *arg)
{
	d->hits = seen && seen == d->last ? d->hits + 1 : seen != 0;
	d->last = seen;
	if (d->digit && seen == d->digit) {
		d->on_blocks += d->misses + 1; /* a gap that was bridged belongs to the digit */
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
	d->on_blocks = d->hits;
	d->misses = 0;
	h(seen, true, 0, arg);
}

static void start_block(struct mp_dtmf_det *d)
{
	memset(d->s1, 0, sizeof(d->s1));
	memset(d->s2, 0, sizeof(d->s2));
	d->energy = 0;
	d->count = 0;
}

void mp_dtmf_det_feed(struct mp_dtmf_det *d, const int16_t *pcm, size_t n, mp_dtmf_h *h, void *arg)
{
	if (!d || !pcm || !h)
		return;
	while (n) {
		const size_t left = d->block - d->count;
		const size_t part = n < left ? n : left;

		filter(d, pcm, part);
		d->count += (uint32_t)part;
		pcm += part;
		n -= part;
		if (d->count == d->block) {
			const char seen = judge(d);

			start_block(d);
			step(d, seen, h, arg);
		}
	}
}

void mp_dtmf_det_flush(struct mp_dtmf_det *d, mp_dtmf_h *h, void *arg)
{
	if (!d || !h)
		return;
	end_digit(d, h, arg);
	d->last = 0;
	d->hits = d->misses = 0;
	start_block(d);
}
