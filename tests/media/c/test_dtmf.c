/* In-band DTMF: what is generated, and what is detected within the limits of ITU-T Q.24. */
#include "check.h"

#include "audio.h"
#include "dtmf.h"

static const char digits[] = "0123456789*#ABCD";
static const double low_of[] = {941, 697, 697, 697, 770, 770, 770, 852,
                                852, 852, 941, 941, 697, 770, 852, 941};
static const double high_of[] = {1336, 1209, 1336, 1477, 1209, 1336, 1477, 1209,
                                 1336, 1477, 1209, 1477, 1633, 1633, 1633, 1633};

enum { MAX = 16000 * 4 };

static int16_t pcm[MAX];
static char seen[256]; /* '+' and the digit at its begin, the digit alone at its end */
static uint32_t last_duration;

static void on_digit(char digit, bool begin, uint32_t duration_ms, void *arg)
{
	CHECK(arg == seen);
	CHECK(strlen(seen) < sizeof(seen) - 2);
	strncat(seen, begin ? "+" : "", 2);
	strncat(seen, &digit, 1);
	if (!begin)
		last_duration = duration_ms;
	else
		EQ(0, duration_ms);
}

static const char *detect(const int16_t *in, size_t n, uint32_t rate, size_t frame)
{
	struct mp_dtmf_det d;

	seen[0] = 0;
	OK(mp_dtmf_det_init(&d, rate));
	for (size_t i = 0; i < n; i += frame)
		mp_dtmf_det_feed(&d, in + i, n - i < frame ? n - i : frame, on_digit, seen);
	mp_dtmf_det_flush(&d, on_digit, seen);
	return seen;
}

/* A digit made of any two tones, between two silences. Returns the samples. */
static size_t make(size_t lead_ms, size_t ms, double low, double low_dbm0, double high, double high_dbm0)
{
	const size_t from = lead_ms * 8, n = ms * 8, total = from + n + 800;

	memset(pcm, 0, total * sizeof(*pcm));
	audio_sine(pcm + from, n, 0, low, audio_peak(low_dbm0), 8000);
	audio_sine(pcm + from, n, 0, high, audio_peak(high_dbm0), 8000);
	return total;
}

static void test_generated_tones_have_q23_frequencies_and_levels(void)
{
	for (int i = 0; i < 16; i++) {
		for (uint32_t rate = 8000; rate <= 48000; rate *= 6) {
			struct mp_dtmf_gen g;
			const size_t n = rate / 5;

			OK(mp_dtmf_gen_init(&g, digits[i], rate, 200));
			EQ(n, mp_dtmf_gen_read(&g, pcm, MAX));
			EQ(0, mp_dtmf_gen_read(&g, pcm + n, 1));
			NEAR(audio_peak(-10), audio_goertzel(pcm, n, low_of[i], rate), 150);
			NEAR(audio_peak(-8), audio_goertzel(pcm, n, high_of[i], rate), 180);
			CHECK(abs(pcm[0]) < 100 && abs(pcm[n - 1]) < 2000); /* no click */
		}
	}
}

static void test_an_endless_digit_stops_when_told(void)
{
	struct mp_dtmf_gen g;

	OK(mp_dtmf_gen_init(&g, 'd', 8000, 0));
	EQ(16000, mp_dtmf_gen_read(&g, pcm, 16000));
	mp_dtmf_gen_stop(&g);
	EQ(16, mp_dtmf_gen_read(&g, pcm, 160)); /* 2 ms of fade-out */
	EQ(0, mp_dtmf_gen_read(&g, pcm, 160));
	ERR(EINVAL, mp_dtmf_gen_init(&g, 'E', 8000, 100));
	ERR(EINVAL, mp_dtmf_gen_init(&g, 0, 8000, 100));
	ERR(EINVAL, mp_dtmf_gen_init(&g, '1', 4000, 100));
}

/* All digits in one stream, 50 ms on and 50 off, whatever the frame size and the rate. */
static void test_every_digit_is_detected_once(void)
{
	for (uint32_t rate = 8000; rate <= 16000; rate *= 2) {
		size_t n = 0;
		char want[64] = "";

		for (int i = 0; i < 16; i++) {
			struct mp_dtmf_gen g;

			OK(mp_dtmf_gen_init(&g, digits[i], rate, 50));
			n += mp_dtmf_gen_read(&g, pcm + n, MAX - n);
			memset(pcm + n, 0, rate / 20 * sizeof(*pcm));
			n += rate / 20;
			snprintf(want + strlen(want), 4, "+%c%c", digits[i], digits[i]);
		}
		STREQ(want, detect(pcm, n, rate, 160));
		STREQ(want, detect(pcm, n, rate, 77));
		STREQ(want, detect(pcm, n, rate, n));
	}
}

static void test_levels_twist_and_offsets_within_q24_are_accepted(void)
{
	static const double cases[][4] = {
	        /* low dBm0, high dBm0, low offset, high offset */
	        {0, 0, 0, 0},
	        {-25, -25, 0, 0},
	        {-35, -35, 0, 0},
	        {-10, -16, 0, 0},
	        {-13, -10, 0, 0},
	        {-10, -10, 0.015, 0.015},
	        {-10, -10, -0.015, -0.015},
	        {-10, -10, 0.015, -0.015},
	};

	for (size_t c = 0; c < sizeof(cases) / sizeof(cases[0]); c++) {
		for (int i = 0; i < 16; i++) {
			const char want[] = {'+', digits[i], digits[i], 0};
			const size_t n = make(30 + c, 60, low_of[i] * (1 + cases[c][2]), cases[c][0],
			                      high_of[i] * (1 + cases[c][3]), cases[c][1]);

			STREQ(want, detect(pcm, n, 8000, 160));
		}
	}
}

static void test_what_is_no_digit_is_refused(void)
{
	for (int i = 0; i < 16; i++) {
		const double low = low_of[i], high = high_of[i];

		STREQ("", detect(pcm, make(20, 60, low, -50, high, -50), 8000, 160)); /* faint */
		STREQ("", detect(pcm, make(20, 60, low, -10, high, -25), 8000, 160)); /* twist */
		STREQ("", detect(pcm, make(20, 60, low, -25, high, -10), 8000, 160));
		STREQ("", detect(pcm, make(20, 60, low * 1.04, -10, high * 1.04, -10), 8000, 160));
		STREQ("", detect(pcm, make(20, 60, low, -10, low, -10), 8000, 160)); /* one tone */
		STREQ("", detect(pcm, make(20, 60, high, -10, high, -10), 8000, 160));
	}
	STREQ("", detect(pcm, make(20, 500, 350, -10, 440, -10), 8000, 160)); /* dial tone */
	STREQ("", detect(pcm, make(20, 500, 440, -10, 480, -10), 8000, 160));
}

/* Q.24: 40 ms must be seen wherever the windows fall, 23 ms must not. */
static void test_durations(void)
{
	for (size_t lead = 20; lead < 46; lead++) {
		STREQ("+55", detect(pcm, make(lead, 40, 770, -10, 1336, -10), 8000, 160));
		STREQ("", detect(pcm, make(lead, 23, 770, -10, 1336, -10), 8000, 160));
	}
	detect(pcm, make(20, 500, 770, -10, 1336, -10), 8000, 160);
	NEAR(500, last_duration, 26);
}

static void join(size_t lead_ms, size_t gap_ms)
{
	size_t n = make(lead_ms, 60, 770, -10, 1336, -10) - 800 + gap_ms * 8;

	audio_sine(pcm + n, 480, 0, 770, audio_peak(-10), 8000);
	audio_sine(pcm + n, 480, 0, 1336, audio_peak(-10), 8000);
	n += 480;
	memset(pcm + n, 0, 800 * sizeof(*pcm));
	detect(pcm, n + 800, 8000, 160);
}

static void test_short_gaps_are_bridged_and_pauses_separate(void)
{
	for (size_t lead = 20; lead < 46; lead++) {
		memset(pcm, 0, sizeof(pcm));
		join(lead, 10);
		STREQ("+55", seen);
		memset(pcm, 0, sizeof(pcm));
		join(lead, 45);
		STREQ("+55+55", seen);
	}
}

static void test_noise_dials_nothing(void)
{
	struct mp_dtmf_det d;
	uint32_t seed = 7;

	seen[0] = 0;
	OK(mp_dtmf_det_init(&d, 8000));
	for (int second = 0; second < 60; second++) {
		for (int i = 0; i < 8000; i++)
			pcm[i] = (int16_t)((int)(audio_random(&seed) % 20001) - 10000);
		mp_dtmf_det_feed(&d, pcm, 8000, on_digit, seen);
	}
	STREQ("", seen);
}

static void test_digits_are_heard_through_noise(void)
{
	uint32_t seed = 9;
	const size_t n = make(40, 80, 852, -10, 1477, -10);

	for (size_t i = 0; i < n; i++)
		pcm[i] = (int16_t)(pcm[i] + (int)(audio_random(&seed) % 2001) - 1000); /* about 20 dB */
	STREQ("+99", detect(pcm, n, 8000, 160));
}

static void test_flush_ends_a_digit(void)
{
	struct mp_dtmf_det d;

	seen[0] = 0;
	make(0, 100, 770, -10, 1336, -10);
	OK(mp_dtmf_det_init(&d, 8000));
	mp_dtmf_det_feed(&d, pcm, 480, on_digit, seen);
	STREQ("+5", seen);
	mp_dtmf_det_flush(&d, on_digit, seen);
	STREQ("+55", seen);
	mp_dtmf_det_flush(&d, on_digit, seen);
	STREQ("+55", seen);
	ERR(ENOTSUP, mp_dtmf_det_init(&d, 44100));
	ERR(EINVAL, mp_dtmf_det_init(NULL, 8000));
}

int main(int argc, char **argv)
{
	check_filter = argc > 1 ? argv[1] : NULL;
	RUN(test_generated_tones_have_q23_frequencies_and_levels);
	RUN(test_an_endless_digit_stops_when_told);
	RUN(test_every_digit_is_detected_once);
	RUN(test_levels_twist_and_offsets_within_q24_are_accepted);
	RUN(test_what_is_no_digit_is_refused);
	RUN(test_durations);
	RUN(test_short_gaps_are_bridged_and_pauses_separate);
	RUN(test_noise_dials_nothing);
	RUN(test_digits_are_heard_through_noise);
	RUN(test_flush_ends_a_digit);
	return check_result();
}
