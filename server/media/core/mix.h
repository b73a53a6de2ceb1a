/*
 * Mixing kernels over 16-bit PCM with a 32-bit accumulator.
 *
 * Plain loops without branches, so that the compiler vectorises them. `acc` holds up to 65,536
 * full-scale contributors without overflow. No buffer may overlap another, except where noted.
 */
#ifndef MP_MIX_H
#define MP_MIX_H

#include <stddef.h>
#include <stdint.h>

#define MP_MIX_UNITY 4096 /* gain 1.0 in mp_mix_gain's fixed point (Q12) */

/* acc = 0 */
void mp_mix_clear(int32_t *acc, size_t n);

/* acc += in */
void mp_mix_add(int32_t *acc, const int16_t *in, size_t n);

/* acc -= in */
void mp_mix_sub(int32_t *acc, const int16_t *in, size_t n);

/* out = saturate(acc): what a listener hears. */
void mp_mix_out(int16_t *out, const int32_t *acc, size_t n);

/* out = saturate(acc - own): what a talker hears. `out` may be `own`. */
void mp_mix_minus(int16_t *out, const int32_t *acc, const int16_t *own, size_t n);

/* dst = saturate(dst + src): two signals without an accumulator. */
void mp_mix_into(int16_t *dst, const int16_t *src, size_t n);

/* pcm = saturate(pcm * gain / MP_MIX_UNITY), in place. gain: 0 to 16 * MP_MIX_UNITY. */
void mp_mix_gain(int16_t *pcm, size_t n, int32_t gain);

/* Mean absolute sample value, 0 to 32768: the level that talk thresholds are compared with. */
uint32_t mp_mix_level(const int16_t *pcm, size_t n);

#endif
