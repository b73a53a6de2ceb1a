/*
 * Pitch shifting without a change of speed: the signal is read faster or slower than it comes, and where
 * the reader would run out of it, it jumps to the place that fits best and crossfades.
 */
#ifndef MP_PITCH_H
#define MP_PITCH_H

#include <stddef.h>
#include <stdint.h>

#define MP_PITCH_MIN 0.1
#define MP_PITCH_MAX 4.0

struct mp_pitch;

/* ratio: MP_PITCH_MIN to MP_PITCH_MAX. Returns 0, EINVAL, ENOMEM; *pp is NULL on failure. */
int mp_pitch_open(struct mp_pitch **pp, uint32_t rate, double ratio);

/* In place; what comes out is late by 30 to 100 ms. */
void mp_pitch_run(struct mp_pitch *p, int16_t *pcm, size_t n);

/* Close; NULL is allowed. */
void mp_pitch_close(struct mp_pitch *p);

#endif
