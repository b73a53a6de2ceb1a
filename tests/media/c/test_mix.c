/* Mixing kernels: sums, saturation, mix-minus, gain, level. */
#include "check.h"

#include "audio.h"
#include "mix.h"

enum { N = 163 }; /* not a multiple of any vector width: the loops' tails are tested too */

static void noise(int16_t *pcm, size_t n, uint32_t seed)
{
	for (size_t i = 0; i < n; i++)
		pcm[i] = (int16_t)audio_random(&seed);
}

static int clamp(long v)
{
	return (int)(v > 32767 ? 32767 : v < -32768 ? -32768 : v);
}

static void test_everyone_hears_all_but_himself(void)
{
	int16_t in[3][N], out[N];
	int32_t acc[N];

	mp_mix_clear(acc, N);
	for (int i = 0; i < 3; i++) {
		noise(in[i], N, (uint32_t)i + 1);
		mp_mix_add(acc, in[i], N);
	}
	mp_mix_minus(out, acc, in[1], N);
	for (int i = 0; i < N; i++)
		EQ(clamp(in[0][i] + in[2][i]), out[i]);
	mp_mix_out(out, acc, N);
	for (int i = 0; i < N; i++)
		EQ(clamp(in[0][i] + in[1][i] + in[2][i]), out[i]);
}

static void test_minus_works_in_place(void)
{
	int16_t a[N], b[N];
	int32_t acc[N];

	noise(a, N, 1);
	noise(b, N, 2);
	mp_mix_clear(acc, N);
	mp_mix_add(acc, a, N);
	mp_mix_add(acc, b, N);
	mp_mix_minus(a, acc, a, N);
	CHECK(memcmp(a, b, sizeof(a)) == 0);
}

static void test_sub_undoes_add(void)
{
	int16_t a[N], b[N], out[N];
	int32_t acc[N];

	noise(a, N, 3);
	noise(b, N, 4);
	mp_mix_clear(acc, N);
	mp_mix_add(acc, a, N);
	mp_mix_add(acc, b, N);
	mp_mix_sub(acc, a, N);
	mp_mix_out(out, acc, N);
	CHECK(memcmp(out, b, sizeof(b)) == 0);
}

static void test_many_loud_talkers_saturate_and_never_wrap(void)
{
	int16_t loud[N], out[N];
	int32_t acc[N];

	for (int sign = -1; sign <= 1; sign += 2) {
		for (int i = 0; i < N; i++)
			loud[i] = sign < 0 ? INT16_MIN : INT16_MAX;
		mp_mix_clear(acc, N);
		for (int i = 0; i < 65535; i++)
			mp_mix_add(acc, loud, N);
		mp_mix_out(out, acc, N);
		EQ(loud[0], out[0]);
		EQ(loud[0], out[N - 1]);
		memcpy(out, loud, sizeof(out));
		mp_mix_into(out, loud, N);
		EQ(loud[0], out[N - 1]);
	}
}

static void test_gain(void)
{
	int16_t pcm[] = {1000, -1000, 20000, -20000, 1, -1};

	mp_mix_gain(pcm, 6, MP_MIX_UNITY);
	EQ(1000, pcm[0]);
	EQ(-1, pcm[5]);
	mp_mix_gain(pcm, 6, 2 * MP_MIX_UNITY);
	EQ(2000, pcm[0]);
	EQ(-2000, pcm[1]);
	EQ(32767, pcm[2]);
	EQ(-32768, pcm[3]);
	mp_mix_gain(pcm, 6, 16 * MP_MIX_UNITY);
	EQ(-32768, pcm[3]);
	mp_mix_gain(pcm, 6, 0);
	for (int i = 0; i < 6; i++)
		EQ(0, pcm[i]);
}

static void test_level_is_the_mean_magnitude(void)
{
	static int16_t pcm[200000];

	EQ(0, mp_mix_level(pcm, 0));
	EQ(0, mp_mix_level(pcm, N));
	for (size_t i = 0; i < 200000; i++)
		pcm[i] = i % 2 ? 256 : -256;
	EQ(256, mp_mix_level(pcm, 160));
	for (size_t i = 0; i < 200000; i++)
		pcm[i] = INT16_MIN;
	EQ(32768, mp_mix_level(pcm, 200000));
}

int main(int argc, char **argv)
{
	check_filter = argc > 1 ? argv[1] : NULL;
	RUN(test_everyone_hears_all_but_himself);
	RUN(test_minus_works_in_place);
	RUN(test_sub_undoes_add);
	RUN(test_many_loud_talkers_saturate_and_never_wrap);
	RUN(test_gain);
	RUN(test_level_is_the_mean_magnitude);
	return check_result();
}
