/*
 * G.711 without branches and without tables of its own making.
 *
 * Both laws are floating point numbers with 3 bits of exponent and 4 of mantissa. So the bits of an IEEE
 * single hold the code word: for a value v whose leading bit decides the segment, (bits(v) >> 19) is the
 * biased exponent followed by the top four mantissa bits. The loops need no count-leading-zeros and no
 * gather, so compilers turn them into SIMD code on any machine with vector int/float conversion.
 */
#include <string.h>

#include "codec.h"

enum {
	FLOAT_MANTISSA = 23, /* bits of an IEEE single's mantissa */
	FLOAT_BIAS = 127,
	CODE_SHIFT = FLOAT_MANTISSA - 4, /* leaves exponent and four mantissa bits */

	/* mu-law: 14-bit values are kept at 16 bits; 33 << 2 moves segment 0 to a leading bit at 7. */
	ULAW_BIAS = 132,
	ULAW_CLIP = 32635,
	ULAW_FIRST = (FLOAT_BIAS + 7) << 4, /* what segment 0, step 0 gives */

	/* A-law: 12-bit magnitudes; segment 1 has its leading bit at 4, segment 0 is linear. */
	ALAW_FIRST = ((FLOAT_BIAS + 4) << 4) - 16,
	ALAW_EVEN_BITS = 0x55 /* inverted on the wire, G.711 table 1a note 2 */
};

static inline uint32_t float_bits(float f)
{
	uint32_t bits;

	memcpy(&bits, &f, sizeof(bits));
	return bits;
}

static inline float bits_float(uint32_t bits)
{
	float f;

	memcpy(&f, &bits, sizeof(f));
	return f;
}

static inline size_t min_size(size_t a, size_t b)
{
	return a < b ? a : b;
}

size_t mp_ulaw_encode(const int16_t *restrict in, size_t n, uint8_t *restrict out, size_t max)
{
	n = min_size(n, max);
	for (size_t i = 0; i < n; i++) {
		const int32_t v = in[i];
		const int32_t sign = v >> 31; /* 0 or -1 */
		int32_t mag = (v ^ sign) - sign;

		mag = (mag < ULAW_CLIP ? mag : ULAW_CLIP) + ULAW_BIAS;
		mag = (int32_t)(float_bits((float)mag) >> CODE_SHIFT) - ULAW_FIRST;
		out[i] = (uint8_t)~((sign & 0x80) | mag);
	}
	return n;
}

size_t mp_ulaw_decode(const uint8_t *restrict in, size_t len, int16_t *restrict out, size_t max)
{
	const size_t n = min_size(len, max);

	for (size_t i = 0; i < n; i++) {
		const int32_t code = ~in[i] & 0x7f;
		const int32_t sign = (int32_t)(in[i] >> 7) - 1; /* wire bit 7 is 1 for positive */
		/* the half step puts the output in the middle of the interval */
		const uint32_t bits =
		        ((uint32_t)(code + ULAW_FIRST) << CODE_SHIFT) | (1u << (CODE_SHIFT - 1));
		const int32_t mag = (int32_t)bits_float(bits) - ULAW_BIAS;

		out[i] = (int16_t)((mag ^ sign) - sign);
	}
	return n;
}

/* 16 in segment 0, which is linear: it is converted as segment 1 and moved back. Else 0. */
static inline int32_t alaw_linear(int32_t v)
{
	return ((v - 16) >> 31) & 16;
}

size_t mp_alaw_encode(const int16_t *restrict in, size_t n, uint8_t *restrict out, size_t max)
{
	n = min_size(n, max);
	for (size_t i = 0; i < n; i++) {
		const int32_t v = in[i];
		const int32_t sign = v >> 31;
		/* one's complement: -1 is the first negative interval, not the first positive */
		const int32_t mag = (v ^ sign) >> 4;
		const int32_t low = alaw_linear(mag);
		const int32_t code =
		        (int32_t)(float_bits((float)(mag + low)) >> CODE_SHIFT) - ALAW_FIRST - low;

		out[i] = (uint8_t)(((~sign & 0x80) | code) ^ ALAW_EVEN_BITS);
	}
	return n;
}

size_t mp_alaw_decode(const uint8_t *restrict in, size_t len, int16_t *restrict out, size_t max)
{
	const size_t n = min_size(len, max);

	for (size_t i = 0; i < n; i++) {
		const int32_t word = in[i] ^ ALAW_EVEN_BITS;
		const int32_t code = word & 0x7f;
		const int32_t sign = (word >> 7) - 1;
		const int32_t low = alaw_linear(code);
		const uint32_t bits =
		        ((uint32_t)(code + low + ALAW_FIRST) << CODE_SHIFT) | (1u << (CODE_SHIFT - 1));
		const int32_t mag = (int32_t)(bits_float(bits) * 16.0f) - low * 16;

		out[i] = (int16_t)((mag ^ sign) - sign);
	}
	return n;
}
