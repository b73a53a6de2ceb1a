/* Sample rate conversion on speexdsp. */
#include "resample.h"

#include <errno.h>
#include <speex/speex_resampler.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum {
	RATE_MIN = 4000,
	RATE_MAX = 192000,
	QUALITY = 4,    /* of 0 to 10: more than 60 dB of stop band, about a third of quality 8's cost */
	DRAIN_STEP = 64 /* zeros fed at a time */
};

struct mp_resampler {
	uint32_t in_rate, out_rate;
	SpeexResamplerState *speex; /* NULL when the rates are equal */
	uint64_t taken, given;      /* samples since open or reset */
};

static int check_rate(uint32_t rate)
{
	return rate < RATE_MIN || rate > RATE_MAX ? EINVAL : 0;
}

int mp_resampler_open(struct mp_resampler **rp, uint32_t in_rate, uint32_t out_rate)
{
	struct mp_resampler *r;

	if (!rp)
		return EINVAL;
	*rp = NULL;
	if (check_rate(in_rate) || check_rate(out_rate))
		return EINVAL;
	r = calloc(1, sizeof(*r));
	if (!r)
		return ENOMEM;
	r->in_rate = in_rate;
	r->out_rate = out_rate;
	if (in_rate != out_rate) {
		r->speex = speex_resampler_init(1, in_rate, out_rate, QUALITY, NULL);
		if (!r->speex) {
			free(r);
			return ENOMEM;
		}
		speex_resampler_skip_zeros(r->speex);
	}
	*rp = r;
	return 0;
}

static size_t min_size(size_t a, size_t b)
{
	return a < b ? a : b;
}

int mp_resampler_process(struct mp_resampler *r, const int16_t *in, size_t *in_n, int16_t *out,
                         size_t *out_n)
{
	if (!r || !in_n || !out_n || (!in && *in_n) || (!out && *out_n))
		return EINVAL;
	if (r->speex) {
		spx_uint32_t taken = (spx_uint32_t)min_size(*in_n, UINT32_MAX);
		spx_uint32_t given = (spx_uint32_t)min_size(*out_n, UINT32_MAX);

		speex_resampler_process_int(r->speex, 0, in, &taken, out, &given);
		*in_n = taken;
		*out_n = given;
	} else {
		*in_n = *out_n = min_size(*in_n, *out_n);
		if (*in_n)
			memcpy(out, in, *in_n * sizeof(*out));
	}
	r->taken += *in_n;
	r->given += *out_n;
	return 0;
}

int mp_resampler_drain(struct mp_resampler *r, int16_t *out, size_t *out_n)
{
	static const int16_t zeros[DRAIN_STEP];
	uint64_t due;
	size_t want, done = 0;

	if (!r || !out_n || (!out && *out_n))
		return EINVAL;
	/* exactly as long as the input was */
	due = (r->taken * r->out_rate + r->in_rate / 2) / r->in_rate;
	want = due > r->given ? (size_t)(due - r->given) : 0;
	want = min_size(want, *out_n);
	while (r->speex && done < want) {
		spx_uint32_t taken = DRAIN_STEP;
		spx_uint32_t given = (spx_uint32_t)min_size(want - done, UINT32_MAX);

		speex_resampler_process_int(r->speex, 0, zeros, &taken, out + done, &given);
		done += given;
	}
	r->given += done;
	*out_n = done;
	return 0;
}

void mp_resampler_reset(struct mp_resampler *r)
{
	if (!r)
		return;
	r->taken = r->given = 0;
	if (r->speex) {
		speex_resampler_reset_mem(r->speex);
		speex_resampler_skip_zeros(r->speex);
	}
}

size_t mp_resampler_bound(const struct mp_resampler *r, size_t in_n)
{
	return (size_t)(((uint64_t)in_n * r->out_rate + r->in_rate - 1) / r->in_rate) + 2;
}

void mp_resampler_close(struct mp_resampler *r)
{
	if (!r)
		return;
	if (r->speex)
		speex_resampler_destroy(r->speex);
	free(r);
}
