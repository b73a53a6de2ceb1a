/*
 * What changes the audio of one direction of a stream: noise suppression and automatic gain (speexdsp),
 * pitch, scrambling and volume, in this order. Memory is allocated when an effect is set or the rate
 * changes, never per frame.
 */
#ifndef MP_EFFECTS_H
#define MP_EFFECTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct mp_effects;

enum mp_effect {
	MP_EFFECT_GAIN,     /* value: Q12, as mp_mix_gain; 4096: none */
	MP_EFFECT_AGC,      /* value: the level aimed at, 1 to 32767; 0: none */
	MP_EFFECT_DENOISE,  /* value: 1; 0: none */
	MP_EFFECT_PITCH,    /* value: ratio in thousandths; 1000: none */
	MP_EFFECT_SCRAMBLE, /* value: 1; 0: none */
	MP_EFFECT_COUNT
};

/*
 * Set one effect; *ep is made when the first is set, and NULL again when there is none left.
 *
 * Returns 0, EINVAL, ENOMEM; on failure nothing has changed.
 */
int mp_effects_set(struct mp_effects **ep, enum mp_effect what, int32_t value, uint32_t rate);

/* The rate may have changed. Effects that can't be had at it are left out. NULL is allowed. */
void mp_effects_tune(struct mp_effects *e, uint32_t rate);

/* In place; n: a frame of 20 ms. Nothing happens at any rate but the one it is tuned to. */
void mp_effects_run(struct mp_effects *e, int16_t *pcm, size_t n);

/* Close; NULL is allowed. */
void mp_effects_close(struct mp_effects *e);

#endif
