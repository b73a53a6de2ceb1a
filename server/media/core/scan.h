/*
 * What is heard, as a set that changes: whether it is loud, and which of some frequencies are in it
 * (Goertzel). Silence, noise, words, call progress tones, MF and SF digits are made from it in Python.
 *
 * A plain value: embed it, no close.
 */
#ifndef MP_SCAN_H
#define MP_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MP_SCAN_TONES 16
#define MP_SCAN_LOUD  1u /* bit of the mask; tone k is bit k + 1 */

struct mp_scan_conf {
	uint32_t threshold;      /* mean absolute sample value above which a frame is loud, 1 to 32,767 */
	uint32_t frames;         /* of 20 ms, in the window in which tones are looked for, 1 to 4 */
	uint32_t share_permille; /* of the window's energy that makes a tone present, 1 to 1,000 */
	uint32_t interval_ms;    /* also report when nothing changed for so long; 0: never */
	bool skip_idle;          /* but not while it is neither loud nor a tone */
	uint32_t count;          /* of hz, up to MP_SCAN_TONES */
	uint16_t hz[MP_SCAN_TONES];
};

struct mp_scan {
	struct mp_scan_conf conf;
	uint32_t rate;     /* Hz; 0: not fed yet */
	uint64_t ms;       /* heard so far, at any rate */
	uint64_t reported; /* ms at the last report */
	uint32_t mask;     /* as reported last; UINT32_MAX: never */
	uint32_t tones;    /* of the last whole window */
	uint32_t filled;   /* frames of the present window */
	uint32_t samples;  /* of the present window */
	float energy;      /* of the present window */
	float coef[MP_SCAN_TONES];
	float s1[MP_SCAN_TONES], s2[MP_SCAN_TONES];
};

/* Returns 0 or EINVAL. */
int mp_scan_init(struct mp_scan *s, const struct mp_scan_conf *conf);

/*
 * Hear one frame of 20 ms; the rate may change between frames. True when there is something to report:
 * `mask` has been heard since `at_ms` (from the start), and until now (`now_ms`).
 */
bool mp_scan_feed(struct mp_scan *s, const int16_t *pcm, size_t n, uint32_t rate, uint32_t *mask,
                  uint64_t *at_ms, uint64_t *now_ms);

#endif
