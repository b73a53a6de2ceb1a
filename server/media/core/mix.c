/* Mixing kernels: loops that the compiler vectorises. */
#include "mix.h"

#include <string.h>

static inline int16_t saturate(int32_t v)
{
	v = v > INT16_MAX ? INT16_MAX : v;
	return (int16_t)(v < INT16_MIN ? INT16_MIN : v);
}

void mp_mix_clear(int32_t *acc, size_t n)
{
	memset(acc, 0, n * sizeof(*acc));
}

void mp_mix_add(int32_t *restrict acc, const int16_t *restrict in, size_t n)
{
	for (size_t i = 0; i < n; i++)
		acc[i] += in[i];
}

void mp_mix_sub(int32_t *restrict acc, const int16_t *restrict in, size_t n)
{
	for (size_t i = 0; i < n; i++)
		acc[i] -= in[i];
}

void mp_mix_out(int16_t *restrict out, const int32_t *restrict acc, size_t n)
{
	for (size_t i = 0; i < n; i++)
		out[i] = saturate(acc[i]);
}

/* `out` may be `own`, so only acc is restricted. */
void mp_mix_minus(int16_t *out, const int32_t *restrict acc, const int16_t *own, size_t n)
{
	for (size_t i = 0; i < n; i++)
		out[i] = saturate(acc[i] - own[i]);
}

void mp_mix_into(int16_t *restrict dst, const int16_t *restrict src, size_t n)
{
	for (size_t i = 0; i < n; i++)
		dst[i] = saturate((int32_t)dst[i] + src[i]);
}

void mp_mix_gain(int16_t *pcm, size_t n, int32_t gain)
{
	/* 32,768 * 16 * 4,096 is 2^31: one less keeps the product in range */
	const int32_t g = gain < 16 * MP_MIX_UNITY ? gain : 16 * MP_MIX_UNITY - 1;

	for (size_t i = 0; i < n; i++)
		pcm[i] = saturate((pcm[i] * g) / MP_MIX_UNITY);
}

uint32_t mp_mix_level(const int16_t *pcm, size_t n)
{
	uint64_t sum = 0;

	for (size_t start = 0; start < n;) {
		/* 65,536 * 32,768 is 2^31: a block's sum fits 32 bits, which vectorises better */
		const size_t end = n - start > 65536 ? start + 65536 : n;
		uint32_t part = 0;

		for (size_t i = start; i < end; i++) {
			const int32_t v = pcm[i];

			part += (uint32_t)(v < 0 ? -v : v);
		}
		sum += part;
		start = end;
	}
	return n ? (uint32_t)(sum / n) : 0;
}
