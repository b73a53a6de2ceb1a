/* Loss concealment: level, pitch, joints and fading of what is made up. */
#include "check.h"

#include "audio.h"
#include "plc.h"

enum { MAX = 16000 * 2 };

static int16_t in[MAX], out[MAX];

/* A voice-like signal: five harmonics. */
static void voice(double hz, uint32_t rate, size_t n)
{
	memset(in, 0, sizeof(in));
	for (int h = 1; h <= 5; h++)
		audio_sine(in, n, 0, hz * h, 4000.0 / h, rate);
}

/* Pass `n` samples in frames of 20 ms; `is_lost` says which frames are. */
static void pass(uint32_t rate, size_t n, int (*is_lost)(size_t))
{
	const size_t frame = rate / 50;
	struct mp_plc p;

	OK(mp_plc_init(&p, rate));
	for (size_t i = 0; i + frame <= n; i += frame) {
		if (is_lost(i / frame)) {
			mp_plc_conceal(&p, out + i, frame);
		} else {
			memcpy(out + i, in + i, frame * sizeof(*out));
			mp_plc_good(&p, out + i, frame);
		}
	}
}

static int every_tenth(size_t frame)
{
	return frame % 10 == 9;
}

static int none(size_t frame)
{
	(void)frame;
	return 0;
}

static int after_ten(size_t frame)
{
	return frame >= 10;
}

static int largest_step(const int16_t *pcm, size_t n)
{
	int most = 0;

	for (size_t i = 1; i < n; i++)
		most = abs(pcm[i] - pcm[i - 1]) > most ? abs(pcm[i] - pcm[i - 1]) : most;
	return most;
}

static void test_good_audio_is_not_touched(void)
{
	voice(130, 8000, 8000);
	pass(8000, 8000, none);
	CHECK(memcmp(in, out, 8000 * sizeof(*in)) == 0);
}

static void test_a_lost_frame_of_voice_is_like_the_voice(void)
{
	static const double pitches[] = {80, 100, 125, 160, 190};

	for (uint32_t rate = 8000; rate <= 16000; rate *= 2) {
		for (size_t i = 0; i < sizeof(pitches) / sizeof(pitches[0]); i++) {
			voice(pitches[i], rate, rate);
			pass(rate, rate, every_tenth);
			/* zeros in place of the lost tenth would give 10 dB */
			CHECK(audio_snr(in, out, rate) > 14);
			NEAR(1, audio_goertzel(out, rate, pitches[i], rate) / 4000, 0.05);
			/* no click: the signal's own steps, and a little more */
			CHECK(largest_step(out, rate) < 1.5 * largest_step(in, rate));
		}
	}
}

static void test_a_long_loss_fades_to_silence(void)
{
	voice(125, 8000, 8000);
	pass(8000, 8000, after_ten);
	NEAR(1, audio_rms(out + 1600, 80) / audio_rms(in + 1600, 80), 0.3); /* 10 ms held */
	CHECK(audio_rms(out + 1600 + 320, 160) < 0.6 * audio_rms(in, 1600));
	for (size_t i = 1600 + 480; i < 8000; i++) /* 60 ms */
		EQ(0, out[i]);
}

static int short_history(size_t frame)
{
	return frame != 0;
}

static void test_without_a_past_there_is_silence(void)
{
	struct mp_plc p;

	OK(mp_plc_init(&p, 8000));
	mp_plc_conceal(&p, out, 160);
	NEAR(0, audio_rms(out, 160), 0);
	voice(125, 8000, 8000);
	pass(8000, 1600, short_history); /* one frame is too little */
	NEAR(0, audio_rms(out + 160, 1440), 0);
	pass(8000, 1600, none); /* and it recovers */
	NEAR(1, audio_rms(out, 1600) / audio_rms(in, 1600), 0.01);
}

static void test_loud_noise_stays_in_range(void)
{
	uint32_t seed = 3;

	for (size_t i = 0; i < MAX; i++)
		in[i] = (int16_t)(audio_random(&seed) % 2 ? INT16_MAX : INT16_MIN);
	pass(8000, MAX, every_tenth);
	CHECK(audio_rms(out, MAX) > 25000);
}

static void test_any_frame_size(void)
{
	struct mp_plc p;
	uint32_t seed = 11;

	OK(mp_plc_init(&p, 16000));
	for (int i = 0; i < 2000; i++) {
		const size_t n = audio_random(&seed) % 2000;

		for (size_t k = 0; k < n; k++)
			out[k] = (int16_t)audio_random(&seed);
		if (audio_random(&seed) % 2)
			mp_plc_conceal(&p, out, n);
		else
			mp_plc_good(&p, out, n);
	}
	ERR(ENOTSUP, mp_plc_init(&p, 48000));
	ERR(EINVAL, mp_plc_init(NULL, 8000));
}

int main(int argc, char **argv)
{
	check_filter = argc > 1 ? argv[1] : NULL;
	RUN(test_good_audio_is_not_touched);
	RUN(test_a_lost_frame_of_voice_is_like_the_voice);
	RUN(test_a_long_loss_fades_to_silence);
	RUN(test_without_a_past_there_is_silence);
	RUN(test_loud_noise_stays_in_range);
	RUN(test_any_frame_size);
	return check_result();
}
