/* Voice scrambling: the spectrum is turned around at a carrier. Scrambled twice, speech is itself again. */
#ifndef MP_SCRAMBLE_H
#define MP_SCRAMBLE_H

#include <stddef.h>
#include <stdint.h>

#define MP_SCRAMBLE_HZ 3300 /* what was at f is at this less f */

struct mp_biquad {
	double b0, b1, b2, a1, a2;
	double x1, x2, y1, y2;
};

struct mp_scramble {
	struct mp_biquad before[2], after[2];
	double phase, step;
};

void mp_scramble_init(struct mp_scramble *s, uint32_t rate);
void mp_scramble_run(struct mp_scramble *s, int16_t *pcm, size_t n);

#endif
