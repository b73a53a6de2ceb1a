/*
 * Sample rate conversion of a mono stream (speexdsp). Allocates at open only.
 */
#ifndef MP_RESAMPLE_H
#define MP_RESAMPLE_H

#include <stddef.h>
#include <stdint.h>

struct mp_resampler;

/*
 * rp             the resampler, NULL on failure
 * in_rate, out_rate  Hz, 4,000 to 192,000; equal rates copy
 *
 * The filter's delay is skipped, so the first sample out belongs to the first one in.
 * Returns 0, EINVAL, ENOMEM.
 */
int mp_resampler_open(struct mp_resampler **rp, uint32_t in_rate, uint32_t out_rate);

/*
 * Convert. On return *in_n holds the samples used up and *out_n those written; with an `out` of
 * mp_resampler_bound(r, *in_n) samples all input is used. Returns 0 or EINVAL.
 */
int mp_resampler_process(struct mp_resampler *r, const int16_t *in, size_t *in_n, int16_t *out,
                         size_t *out_n);

/* The tail that the filter still holds, at the end of a file. *out_n: room, then samples written;
 * call until it gives 0. */
int mp_resampler_drain(struct mp_resampler *r, int16_t *out, size_t *out_n);

/* Forget the past, as after a seek. */
void mp_resampler_reset(struct mp_resampler *r);

/* The most samples that `in_n` samples can become. */
size_t mp_resampler_bound(const struct mp_resampler *r, size_t in_n);

/* Close; NULL is allowed. */
void mp_resampler_close(struct mp_resampler *r);

#endif
