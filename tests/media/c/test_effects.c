/* Effects: what goes in as a tone comes out at the level and pitch that were asked for. */
#include "audio.h"
#include "check.h"
#include "effects.h"
#include "mix.h"
#include "pitch.h"

enum { RATE = 8000, FRAME = RATE / 50, FRAMES = 150, TOTAL = FRAME * FRAMES };

static int16_t pcm[2 * TOTAL];

/* Run `frames` frames of `pcm`, and return the peak of the component at `hz` in the last second. */
static double run(struct mp_effects *e, double hz, uint32_t rate)
{
	const size_t n = rate / 50;

	for (size_t i = 0; i < FRAMES; i++)
		mp_effects_run(e, pcm + i * n, n);
	return audio_goertzel(pcm + (FRAMES - 50) * n, 50 * n, hz, rate);
}

static struct mp_effects *with(enum mp_effect what, int32_t value, uint32_t rate)
{
	struct mp_effects *e = NULL;

	OK(mp_effects_set(&e, what, value, rate));
	CHECK(e != NULL);
	return e;
}

static void say(double hz, double peak, uint32_t rate)
{
	memset(pcm, 0, sizeof(pcm));
	audio_sine(pcm, FRAMES * rate / 50, 0, hz, peak, rate);
}

static void test_values_out_of_range_are_refused(void)
{
	struct mp_effects *e = NULL;

	ERR(EINVAL, mp_effects_set(&e, MP_EFFECT_GAIN, -1, RATE));
	ERR(EINVAL, mp_effects_set(&e, MP_EFFECT_GAIN, 17 * MP_MIX_UNITY, RATE));
	ERR(EINVAL, mp_effects_set(&e, MP_EFFECT_PITCH, 99, RATE));
	ERR(EINVAL, mp_effects_set(&e, MP_EFFECT_PITCH, 4001, RATE));
	ERR(EINVAL, mp_effects_set(&e, MP_EFFECT_COUNT, 1, RATE));
	CHECK(e == NULL);
	e = with(MP_EFFECT_PITCH, 2000, RATE);
	ERR(EINVAL, mp_effects_set(&e, MP_EFFECT_PITCH, 9000, RATE));
	say(500, 8000, RATE);
	NEAR(8000, run(e, 1000, RATE), 800);
	mp_effects_close(e);
}

static void test_the_last_effect_that_goes_takes_all_along(void)
{
	struct mp_effects *e = with(MP_EFFECT_GAIN, 2 * MP_MIX_UNITY, RATE);

	OK(mp_effects_set(&e, MP_EFFECT_SCRAMBLE, 1, RATE));
	OK(mp_effects_set(&e, MP_EFFECT_GAIN, MP_MIX_UNITY, RATE));
	CHECK(e != NULL);
	OK(mp_effects_set(&e, MP_EFFECT_SCRAMBLE, 0, RATE));
	CHECK(e == NULL);
	OK(mp_effects_set(&e, MP_EFFECT_GAIN, MP_MIX_UNITY, RATE));
	CHECK(e == NULL);
}

static void test_gain(void)
{
	struct mp_effects *e = with(MP_EFFECT_GAIN, 3 * MP_MIX_UNITY, RATE);

	say(500, 2000, RATE);
	NEAR(6000, run(e, 500, RATE), 60);
	OK(mp_effects_set(&e, MP_EFFECT_GAIN, MP_MIX_UNITY / 4, RATE));
	say(500, 8000, RATE);
	NEAR(2000, run(e, 500, RATE), 20);
	mp_effects_close(e);
}

static void test_pitch_moves_a_tone_and_keeps_its_level(void)
{
	static const int32_t RATIOS[] = {500, 700, 850, 1250, 1500, 2000, 3000};
	static const uint32_t RATES[] = {8000, 16000};

	for (size_t r = 0; r < 2; r++) {
		for (size_t i = 0; i < sizeof(RATIOS) / sizeof(RATIOS[0]); i++) {
			struct mp_effects *e = with(MP_EFFECT_PITCH, RATIOS[i], RATES[r]);

			say(600, 8000, RATES[r]);
			const double shifted = run(e, 600.0 * RATIOS[i] / 1000, RATES[r]);

			if (!(shifted > 6500 && shifted < 8500))
				CHECK_FAIL("%d at %u: %g", RATIOS[i], RATES[r], shifted);
			CHECK(audio_goertzel(pcm + 100 * RATES[r] / 50, RATES[r], 600, RATES[r]) < 800);
			mp_effects_close(e);
		}
	}
}

static void test_every_ratio_stays_inside_its_memory(void)
{
	uint32_t seed = 1;

	for (int32_t ratio = 100; ratio <= 4000; ratio += 130) {
		struct mp_effects *e = with(MP_EFFECT_PITCH, ratio == 1000 ? 1001 : ratio, 16000);

		for (size_t i = 0; i < 2 * TOTAL; i++)
			pcm[i] = (int16_t)(audio_random(&seed) & 0xffff);
		(void)run(e, 1000, 16000);
		mp_effects_close(e);
	}
}

static void test_scrambling_turns_the_spectrum_around_and_back(void)
{
	struct mp_effects *e = with(MP_EFFECT_SCRAMBLE, 1, RATE);
	struct mp_effects *again = with(MP_EFFECT_SCRAMBLE, 1, RATE);

	say(1000, 8000, RATE);
	NEAR(8000, run(e, 2300, RATE), 1200);
	CHECK(audio_goertzel(pcm + TOTAL - RATE, RATE, 1000, RATE) < 400);
	NEAR(8000, run(again, 1000, RATE), 2000);
	mp_effects_close(e);
	mp_effects_close(again);
}

/* Noise and a syllable now and then: the rms of the syllables, or of what is between them. */
static double speech(struct mp_effects *e, double voice, double noise, bool between)
{
	uint32_t seed = 7;
	double sum = 0;
	size_t count = 0;

	for (size_t f = 0; f < 500; f++) {
		int16_t frame[FRAME] = {0};
		const bool talks = f % 25 < 15;

		for (size_t i = 0; i < FRAME; i++)
			frame[i] = (int16_t)(noise * ((double)(audio_random(&seed) & 0xffff) / 32768 - 1));
		if (talks) {
			for (int k = 1; k <= 10; k++)
				audio_sine(frame, FRAME, f * FRAME, 140 * k, voice / k, RATE);
		}
		mp_effects_run(e, frame, FRAME);
		if (f > 300 && (f % 25 > 2 && f % 25 < 13) == !between && (f % 25 > 18 || !between)) {
			sum += audio_rms(frame, FRAME);
			count++;
		}
	}
	return sum / (double)count;
}

static void test_automatic_gain_lifts_quiet_speech(void)
{
	struct mp_effects *none = with(MP_EFFECT_SCRAMBLE, 1, RATE);
	struct mp_effects *e = with(MP_EFFECT_AGC, 8000, RATE);

	OK(mp_effects_set(&e, MP_EFFECT_DENOISE, 1, RATE));
	CHECK(speech(e, 500, 5, false) > 3 * speech(none, 500, 5, false));
	mp_effects_close(none);
	mp_effects_close(e);
}

static void test_noise_goes_down_and_speech_does_not(void)
{
	struct mp_effects *e = with(MP_EFFECT_DENOISE, 1, RATE);
	struct mp_effects *none = with(MP_EFFECT_PITCH, 1001, RATE);

	CHECK(speech(e, 4000, 300, true) < 0.5 * speech(none, 4000, 300, true));
	CHECK(speech(e, 4000, 300, false) > 0.6 * speech(none, 4000, 300, false));
	mp_effects_close(e);
	mp_effects_close(none);
}

static void test_a_new_rate_takes_all_effects_along(void)
{
	struct mp_effects *e = with(MP_EFFECT_PITCH, 2000, 8000);

	OK(mp_effects_set(&e, MP_EFFECT_AGC, 8000, 8000));
	OK(mp_effects_set(&e, MP_EFFECT_AGC, 0, 8000));
	mp_effects_tune(e, 16000);
	say(1500, 8000, 16000);
	NEAR(7500, run(e, 3000, 16000), 1000);
	say(1500, 8000, 8000);
	NEAR(8000, run(e, 1500, 8000), 10); /* frames of another rate are left alone */
	mp_effects_close(e);
	mp_effects_tune(NULL, 8000);
	mp_effects_close(NULL);
}

int main(int argc, char **argv)
{
	check_filter = argc > 1 ? argv[1] : NULL;
	RUN(test_values_out_of_range_are_refused);
	RUN(test_the_last_effect_that_goes_takes_all_along);
	RUN(test_gain);
	RUN(test_pitch_moves_a_tone_and_keeps_its_level);
	RUN(test_every_ratio_stays_inside_its_memory);
	RUN(test_scrambling_turns_the_spectrum_around_and_back);
	RUN(test_automatic_gain_lifts_quiet_speech);
	RUN(test_noise_goes_down_and_speech_does_not);
	RUN(test_a_new_rate_takes_all_effects_along);
	return check_result();
}
