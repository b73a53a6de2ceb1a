/* Sample rate conversion: frequency, level, aliasing, exact length, any block size. */
#include "check.h"

#include "alloc.h"
#include "audio.h"
#include "resample.h"

enum { MAX = 48000 * 2 + 1000 };

static int16_t in[MAX], out[MAX];
static const uint32_t rates[] = {8000, 16000, 44100, 48000};

#define EACH_RATE(r) for (size_t r = 0; r < 4; r++)

/* Convert one second of a sine in blocks of `block`; returns the samples out. */
static size_t convert(uint32_t from, uint32_t to, double hz, size_t block)
{
	struct mp_resampler *r;
	size_t total = 0, n;

	memset(in, 0, sizeof(in));
	audio_sine(in, from, 0, hz, 8000, from);
	OK(mp_resampler_open(&r, from, to));
	for (size_t i = 0; i < from; i += block) {
		size_t taken = from - i < block ? from - i : block;
		const size_t all = taken;

		n = mp_resampler_bound(r, taken);
		OK(mp_resampler_process(r, in + i, &taken, out + total, &n));
		EQ(all, taken);
		CHECK(n <= mp_resampler_bound(r, all));
		total += n;
	}
	do {
		n = 37;
		OK(mp_resampler_drain(r, out + total, &n));
		total += n;
	} while (n);
	mp_resampler_close(r);
	return total;
}

static void test_length_level_and_frequency_are_kept(void)
{
	EACH_RATE(a)
	{
		EACH_RATE(b)
		{
			const uint32_t to = rates[b];

			EQ(to, convert(rates[a], to, 1000, rates[a] / 50));
			NEAR(8000, audio_goertzel(out + to / 4, to / 2, 1000, to), 80);
			NEAR(8000 / sqrt(2), audio_rms(out + to / 4, to / 2), 80);
			/* the beginning is in place: the filter's delay was skipped */
			NEAR(0, out[0], 900);
			CHECK(out[to / 4000] > 6000 && out[to * 3 / 4000] < -6000);
		}
	}
}

static void test_what_the_lower_rate_can_not_carry_is_removed(void)
{
	convert(16000, 8000, 6000, 320);
	CHECK(audio_rms(out + 2000, 4000) < 60); /* 40 dB below */
	convert(48000, 8000, 7000, 960);
	CHECK(audio_rms(out + 2000, 4000) < 60);
	convert(8000, 16000, 3000, 160);
	CHECK(audio_goertzel(out + 4000, 8000, 5000, 16000) < 80); /* the image */
}

static void test_block_size_makes_no_difference(void)
{
	static int16_t whole[MAX];
	const size_t blocks[] = {1, 7, 160, 441, 8000};

	convert(8000, 16000, 700, 8000);
	memcpy(whole, out, sizeof(whole));
	for (size_t i = 0; i < 5; i++) {
		EQ(16000, convert(8000, 16000, 700, blocks[i]));
		CHECK(audio_snr(whole, out, 16000) > 60);
	}
}

static void test_a_round_trip_keeps_the_signal(void)
{
	static int16_t first[MAX], wide[MAX];
	struct mp_resampler *r;
	size_t taken = 16000, n = MAX;

	EQ(16000, convert(8000, 16000, 1000, 160));
	memcpy(first, in, sizeof(first));
	memcpy(wide, out, sizeof(wide));
	OK(mp_resampler_open(&r, 16000, 8000));
	OK(mp_resampler_process(r, wide, &taken, out, &n));
	CHECK(audio_snr(first + 1000, out + 1000, 6000) > 35);
	mp_resampler_close(r);
}

static void test_reset_forgets(void)
{
	struct mp_resampler *r;
	size_t taken = 800, n = MAX;
	static int16_t zeros[800];

	for (int i = 0; i < 800; i++)
		in[i] = 10000;
	OK(mp_resampler_open(&r, 8000, 16000));
	OK(mp_resampler_process(r, in, &taken, out, &n));
	mp_resampler_reset(r);
	taken = 800;
	n = MAX;
	OK(mp_resampler_process(r, zeros, &taken, out, &n));
	NEAR(0, audio_rms(out, n), 0);
	mp_resampler_close(r);
}

static int open_one(void)
{
	struct mp_resampler *r;
	const int err = mp_resampler_open(&r, 8000, 16000);

	CHECK((err == 0) == (r != NULL));
	mp_resampler_close(r);
	return err;
}

static void test_arguments_and_memory_limits(void)
{
	struct mp_resampler *r;

	ERR(EINVAL, mp_resampler_open(&r, 0, 8000));
	ERR(EINVAL, mp_resampler_open(&r, 8000, 192001));
	ERR(EINVAL, mp_resampler_open(NULL, 8000, 8000));
	ERR(EINVAL, mp_resampler_process(NULL, NULL, NULL, NULL, NULL));
	WITH_MEMORY_LIMITS(open_one());
}

int main(int argc, char **argv)
{
	check_filter = argc > 1 ? argv[1] : NULL;
	RUN(test_length_level_and_frequency_are_kept);
	RUN(test_what_the_lower_rate_can_not_carry_is_removed);
	RUN(test_block_size_makes_no_difference);
	RUN(test_a_round_trip_keeps_the_signal);
	RUN(test_reset_forgets);
	RUN(test_arguments_and_memory_limits);
	return check_result();
}
