/*
 * In-band DTMF (ITU-T Q.23): generator and detector (Q.24 limits, Goertzel).
 *
 * Plain values: embed them, no close. Digits are 0-9 * # A-D (lower case letters are taken too).
 */
#ifndef MP_DTMF_H
#define MP_DTMF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tone.h"

struct mp_dtmf_gen {
	struct mp_sine low, high;
	uint64_t left; /* samples; UINT64_MAX: until stopped */
	uint64_t done; /* samples */
	uint32_t ramp; /* samples of fade in and out, against clicks */
};

/*
 * rate         Hz, 8,000 to 48,000
 * duration_ms  0: until mp_dtmf_gen_stop
 *
 * Low group at -10 dBm0, high group at -8 dBm0. Returns 0 or EINVAL (no such digit).
 */
int mp_dtmf_gen_init(struct mp_dtmf_gen *g, char digit, uint32_t rate, uint32_t duration_ms);

/* The next `n` samples; fewer (then 0) at the end. */
size_t mp_dtmf_gen_read(struct mp_dtmf_gen *g, int16_t *pcm, size_t n);

/* End after the fade-out (2 ms). */
void mp_dtmf_gen_stop(struct mp_dtmf_gen *g);

/*
 * A digit begins (duration_ms 0) or has ended. digit: '0'-'9' '*' '#' 'A'-'D'.
 */
typedef void(mp_dtmf_h)(char digit, bool begin, uint32_t duration_ms, void *arg);

struct mp_dtmf_det {
	uint32_t rate;                /* Hz */
	uint32_t hop;                 /* samples per hop (6.375 ms); a window is two hops */
	uint32_t count;               /* samples in the present hop */
	float coef[8];                /* 2 cos(w), w = 2 pi f / rate */
	float cos_w[8], sin_w[8];     /* of one sample */
	float cos_hop[8], sin_hop[8]; /* of one hop */
	float s1[8], s2[8];           /* Goertzel states of the present hop */
	float re[8], im[8];           /* spectrum of the hop before */
	float energy, energy_before;  /* of the present hop and the one before */
	char last;                    /* digit seen in the last window, 0: none */
	char digit;                   /* digit that is on, 0: none */
	uint32_t hits;                /* windows in a row that showed `last` */
	uint32_t misses;              /* windows in a row that didn't show `digit` */
	uint32_t on;                  /* windows of `digit` so far */
};

/* rate: 8,000 or 16,000 Hz. Returns 0, EINVAL, ENOTSUP. */
int mp_dtmf_det_init(struct mp_dtmf_det *d, uint32_t rate);

/* Feed received audio; `h` is called for what is found, before this returns. */
void mp_dtmf_det_feed(struct mp_dtmf_det *d, const int16_t *pcm, size_t n, mp_dtmf_h *h, void *arg);

/* The stream ended or was interrupted: end a digit that is on. */
void mp_dtmf_det_flush(struct mp_dtmf_det *d, mp_dtmf_h *h, void *arg);

#endif
