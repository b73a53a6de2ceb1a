/* Scans: loudness and tones, and when they are reported. */
#include "check.h"

#include "audio.h"
#include "scan.h"

enum { RATE = 8000, FRAME = 160 };

struct ear {
	struct mp_scan scan;
	size_t fed; /* samples */
	uint32_t mask;
	uint64_t since_ms, now_ms;
	unsigned reports;
};

static void open_ear(struct ear *e, struct mp_scan_conf conf)
{
	memset(e, 0, sizeof(*e));
	OK(mp_scan_init(&e->scan, &conf));
}

/* Hear `ms` of the sum of two sines; 0 Hz is silence. */
static void hear(struct ear *e, uint32_t ms, double hz1, double hz2, double dbm0, uint32_t rate)
{
	const size_t n = rate / 50;

	for (uint32_t t = 0; t < ms; t += 20) {
		int16_t pcm[960] = {0};

		if (hz1 > 0)
			audio_sine(pcm, n, e->fed, hz1, audio_peak(dbm0), rate);
		if (hz2 > 0)
			audio_sine(pcm, n, e->fed, hz2, audio_peak(dbm0), rate);
		e->fed += n;
		e->reports += mp_scan_feed(&e->scan, pcm, n, rate, &e->mask, &e->since_ms, &e->now_ms);
	}
}

static const struct mp_scan_conf loudness = {.threshold = 256, .frames = 1, .share_permille = 200};

static void test_the_first_frame_is_reported_and_then_what_changes(void)
{
	struct ear e;

	open_ear(&e, loudness);
	hear(&e, 1000, 0, 0, 0, RATE);
	EQ(1, e.reports);
	EQ(0, e.mask);
	EQ(0, e.since_ms);
	hear(&e, 500, 700, 0, -10, RATE);
	EQ(2, e.reports);
	EQ(MP_SCAN_LOUD, e.mask);
	EQ(1000, e.since_ms);
	EQ(1020, e.now_ms);
	hear(&e, 500, 0, 0, 0, RATE);
	EQ(3, e.reports);
	EQ(0, e.mask);
	EQ(1500, e.since_ms);
}

static void test_an_interval_reports_what_stays(void)
{
	struct mp_scan_conf conf = loudness;
	struct ear e;

	conf.interval_ms = 100;
	open_ear(&e, conf);
	hear(&e, 1000, 0, 0, 0, RATE);
	EQ(10, e.reports);
	EQ(920, e.now_ms);
}

static void test_what_is_idle_need_not_be_repeated(void)
{
	struct mp_scan_conf conf = loudness;
	struct ear e;

	conf.interval_ms = 100;
	conf.skip_idle = true;
	open_ear(&e, conf);
	hear(&e, 1000, 0, 0, 0, RATE);
	EQ(1, e.reports);
	hear(&e, 1000, 700, 0, -10, RATE);
	EQ(11, e.reports);
}

static void test_tones_are_told_apart(void)
{
	const double busy[2] = {480, 620}, ring[2] = {440, 480};
	struct mp_scan_conf conf = {.threshold = 256,
	                            .frames = 2,
	                            .share_permille = 200,
	                            .count = 4,
	                            .hz = {350, 440, 480, 620}};

	for (uint32_t rate = 8000; rate <= 16000; rate *= 2) {
		struct ear e;

		open_ear(&e, conf);
		hear(&e, 200, busy[0], busy[1], -10, rate);
		EQ(1 | 2 << 2 | 2 << 3, e.mask);
		hear(&e, 200, 0, 0, 0, rate);
		EQ(0, e.mask);
		hear(&e, 200, ring[0], ring[1], -20, rate);
		EQ(1 | 2 << 1 | 2 << 2, e.mask);
		hear(&e, 200, 1000, 0, -10, rate);
		EQ(MP_SCAN_LOUD, e.mask);
	}
}

static void test_a_tone_is_dated_to_the_window_that_shows_it(void)
{
	struct mp_scan_conf conf = {
	        .threshold = 32767, .frames = 4, .share_permille = 300, .count = 1, .hz = {2600}};
	struct ear e;

	open_ear(&e, conf);
	hear(&e, 400, 0, 0, 0, RATE);
	hear(&e, 400, 2600, 0, -15, RATE);
	EQ(2, e.mask);
	EQ(400, e.since_ms);
	EQ(480, e.now_ms);
}

static void test_a_faint_tone_is_none(void)
{
	struct mp_scan_conf conf = {
	        .threshold = 256, .frames = 1, .share_permille = 200, .count = 1, .hz = {1100}};
	struct ear e;

	open_ear(&e, conf);
	hear(&e, 200, 1100, 0, -50, RATE);
	EQ(0, e.mask);
	hear(&e, 200, 1100, 0, -36, RATE);
	EQ(2, e.mask);
}

static void test_a_change_of_rate_goes_on(void)
{
	struct mp_scan_conf conf = {
	        .threshold = 256, .frames = 2, .share_permille = 200, .count = 1, .hz = {1000}};
	struct ear e;

	open_ear(&e, conf);
	hear(&e, 100, 1000, 0, -10, 8000);
	e.fed = 0;
	hear(&e, 200, 1000, 0, -10, 48000);
	EQ(3, e.mask);
	EQ(300, e.scan.ms);
}

static void test_bad_settings_are_refused(void)
{
	struct mp_scan_conf conf = loudness;
	struct mp_scan scan;

	ERR(EINVAL, mp_scan_init(NULL, &conf));
	ERR(EINVAL, mp_scan_init(&scan, NULL));
	conf.count = MP_SCAN_TONES + 1;
	ERR(EINVAL, mp_scan_init(&scan, &conf));
	conf = loudness;
	conf.frames = 5;
	ERR(EINVAL, mp_scan_init(&scan, &conf));
	conf = loudness;
	conf.threshold = 0;
	ERR(EINVAL, mp_scan_init(&scan, &conf));
	conf = loudness;
	conf.share_permille = 1001;
	ERR(EINVAL, mp_scan_init(&scan, &conf));
}

int main(int argc, char **argv)
{
	check_filter = argc > 1 ? argv[1] : NULL;
	RUN(test_the_first_frame_is_reported_and_then_what_changes);
	RUN(test_an_interval_reports_what_stays);
	RUN(test_what_is_idle_need_not_be_repeated);
	RUN(test_tones_are_told_apart);
	RUN(test_a_tone_is_dated_to_the_window_that_shows_it);
	RUN(test_a_faint_tone_is_none);
	RUN(test_a_change_of_rate_goes_on);
	RUN(test_bad_settings_are_refused);
	return check_result();
}
