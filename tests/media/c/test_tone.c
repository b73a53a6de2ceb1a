/* Tone lists: syntax, cadence to the sample, frequency, level. */
#include "check.h"

#include "audio.h"
#include "tone.h"

enum { RATE = 8000, MAX = RATE * 20 };

static int16_t pcm[MAX];

static int parse(struct mp_tone_list *list, const char *text)
{
	return mp_tone_parse(list, text, strlen(text));
}

/* Play `ms` of a tone list; returns the samples that came. */
static size_t play(const char *text, uint32_t ms)
{
	static struct mp_tone_list list;
	struct mp_tonegen g;
	size_t done = 0, got;
	const size_t want = (size_t)ms * RATE / 1000;

	OK(parse(&list, text));
	OK(mp_tonegen_init(&g, &list, RATE));
	do {
		const size_t n = want - done < 160 ? want - done : 160;

		got = mp_tonegen_read(&g, pcm + done, n);
		done += got;
	} while (got);
	return done;
}

static double level(size_t from_ms, size_t ms, double hz)
{
	return audio_goertzel(pcm + from_ms * 8, ms * 8, hz, RATE);
}

static void test_syntax(void)
{
	struct mp_tone_list list;

	OK(parse(&list, "440+480/2000, 0/4000"));
	EQ(2, list.count);
	EQ(0, list.loop);
	NEAR(440, list.item[0].freq[0], 0);
	NEAR(480, list.item[0].freq[1], 0);
	EQ(2000, list.item[0].duration_ms);
	NEAR(0, list.item[1].freq[0], 0);
	OK(parse(&list, "!950/330,!1400/330,!1800/330,0"));
	EQ(4, list.count);
	EQ(3, list.loop);
	OK(parse(&list, "!425/100|!0/100"));
	EQ(2, list.count);
	EQ(2, list.loop);
	EQ(200, mp_tone_duration_ms(&list));
	OK(parse(&list, "400*25/400,0/200"));
	CHECK(list.item[0].modulated);
	EQ(0, mp_tone_duration_ms(&list));
	OK(parse(&list, "M69+M81/100"));
	NEAR(440, list.item[0].freq[0], 1e-9);
	NEAR(880, list.item[0].freq[1], 1e-9);
	OK(parse(&list, "M60*M72"));
	NEAR(261.6256, list.item[0].freq[0], 1e-3);
	OK(parse(&list, " 425 , ,425/100, "));
	EQ(2, list.count);
}

static void test_bad_syntax_is_refused(void)
{
	static const char *const bad[] = {
	        "",
	        " ",
	        ",",
	        "x",
	        "440+",
	        "440*",
	        "440/",
	        "440/x",
	        "+440",
	        "440+480+520",
	        "440//1",
	        "!",
	        "!!440",
	        "-440",
	        "440-480",
	        "440.5",
	        "M",
	        "M128",
	        "20001",
	        "440/3600001",
	        "99999999999999999999",
	        "440/99999999999999999999",
	        "440\n",
	        "440|480,1",
	        "m69",
	        "440 480",
	};
	static const char nul[] = "440\0,480";
	struct mp_tone_list list;
	char many[MP_TONE_MAX_TEXT + 2];

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (parse(&list, bad[i]) != EBADMSG)
			CHECK_FAIL("\"%s\" was not refused", bad[i]);
	}
	ERR(EBADMSG, mp_tone_parse(&list, nul, sizeof(nul) - 1));
	memset(many, '1', sizeof(many));
	for (size_t i = 1; i < sizeof(many); i += 2)
		many[i] = ',';
	OK(mp_tone_parse(&list, many, 2 * MP_TONE_MAX_ITEMS));
	ERR(E2BIG, mp_tone_parse(&list, many, 2 * MP_TONE_MAX_ITEMS + 1));
	ERR(E2BIG, mp_tone_parse(&list, many, MP_TONE_MAX_TEXT + 1));
	ERR(EINVAL, mp_tone_parse(NULL, "1", 1));
	ERR(EINVAL, mp_tone_parse(&list, NULL, 0));
}

static void test_cadence_is_sample_exact(void)
{
	EQ(6000 * 8, play("425/500,0/250,425/250,0/500", 6000));
	for (size_t cycle = 0; cycle < 4; cycle++) {
		const size_t at = cycle * 1500 * 8;

		EQ(0, pcm[at]); /* phase 0 */
		CHECK(pcm[at + 1] > 1000);
		CHECK(pcm[at + 500 * 8 - 1] != 0);
		for (size_t i = at + 500 * 8; i < at + 750 * 8; i++)
			EQ(0, pcm[i]);
		CHECK(pcm[at + 750 * 8 + 1] > 1000);
		for (size_t i = at + 1000 * 8; i < at + 1500 * 8; i++)
			EQ(0, pcm[i]);
	}
}

static void test_durations_do_not_drift_at_odd_rates(void)
{
	struct mp_tone_list list;
	struct mp_tonegen g;
	size_t pos = 0;
	int16_t s;

	OK(parse(&list, "5000/1,0/2"));
	OK(mp_tonegen_init(&g, &list, 44100)); /* 44.1 samples per ms */
	for (int cycle = 0; cycle < 1000; cycle++) {
		while (pos <= (size_t)cycle * 3 * 441 / 10 + 1) {
			EQ(1, mp_tonegen_read(&g, &s, 1));
			pos++;
		}
		CHECK(s > 1000); /* the second sample of the burst */
	}
}

static void test_items_with_bang_are_played_once(void)
{
	EQ(3000 * 8, play("!600/200,1000/300,0/200", 3000));
	NEAR(audio_peak(-10), level(0, 200, 600), 20);
	for (size_t at = 200; at + 500 <= 3000; at += 500) {
		NEAR(audio_peak(-10), level(at, 300, 1000), 20);
		NEAR(0, level(at, 300, 600), 20);
		NEAR(0, audio_rms(pcm + (at + 300) * 8, 200 * 8), 0);
	}
}

static void test_a_list_of_bangs_ends(void)
{
	EQ(300 * 8, play("!950/100,!1400/100,!1800/100", 3000));
	NEAR(audio_peak(-10), level(0, 100, 950), 20);
	NEAR(audio_peak(-10), level(200, 100, 1800), 20);
}

static void test_levels_and_frequencies(void)
{
	play("350+440", 2000);
	NEAR(audio_peak(-10), level(0, 2000, 350), 10);
	NEAR(audio_peak(-10), level(0, 2000, 440), 10);
	NEAR(audio_peak(-10), audio_rms(pcm, 16000), 10); /* two sines: rms is sqrt(2 * peak^2 / 2) */
	play("M69", 1000);
	NEAR(audio_peak(-10), level(0, 1000, 440), 10);
	play("5000", 100); /* beyond half the rate */
	NEAR(0, audio_rms(pcm, 800), 0);
}

static void test_modulation_has_90_percent_depth(void)
{
	double carrier, side;

	play("400*25", 2000);
	carrier = level(0, 2000, 400);
	side = level(0, 2000, 425);
	NEAR(audio_peak(-10) / 1.9, carrier, 10);
	NEAR(0.45, side / carrier, 0.01);
	NEAR(0.45, level(0, 2000, 375) / carrier, 0.01);
	NEAR(0, level(0, 2000, 25), 5);
}

static void test_an_endless_tone_keeps_its_level(void)
{
	struct mp_tone_list list;
	struct mp_tonegen g;

	OK(parse(&list, "425"));
	OK(mp_tonegen_init(&g, &list, RATE));
	for (int minute = 0; minute < 10; minute++) {
		for (int i = 0; i < 60; i++)
			EQ(RATE, mp_tonegen_read(&g, pcm, RATE));
		NEAR(audio_peak(-10), audio_goertzel(pcm, RATE, 425, RATE), 1);
	}
}

static void test_arguments(void)
{
	struct mp_tone_list list = {0};
	struct mp_tonegen g;

	ERR(EINVAL, mp_tonegen_init(&g, &list, RATE)); /* empty */
	OK(parse(&list, "440"));
	ERR(EINVAL, mp_tonegen_init(&g, &list, 7999));
	ERR(EINVAL, mp_tonegen_init(&g, &list, 48001));
	ERR(EINVAL, mp_tonegen_init(NULL, &list, RATE));
	ERR(EINVAL, mp_tonegen_init(&g, NULL, RATE));
}

int main(int argc, char **argv)
{
	check_filter = argc > 1 ? argv[1] : NULL;
	RUN(test_syntax);
	RUN(test_bad_syntax_is_refused);
	RUN(test_cadence_is_sample_exact);
	RUN(test_durations_do_not_drift_at_odd_rates);
	RUN(test_items_with_bang_are_played_once);
	RUN(test_a_list_of_bangs_ends);
	RUN(test_levels_and_frequencies);
	RUN(test_modulation_has_90_percent_depth);
	RUN(test_an_endless_tone_keeps_its_level);
	RUN(test_arguments);
	return check_result();
}
