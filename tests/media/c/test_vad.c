/* Talk detector: when talking starts and ends, and what recorders are told. */
#include "check.h"

#include "vad.h"

enum { RATE = 8000, FRAME = 160 };

static enum mp_vad_event feed(struct mp_vad *v, int16_t amplitude)
{
	int16_t pcm[FRAME];

	for (int i = 0; i < FRAME; i++)
		pcm[i] = i % 2 ? amplitude : (int16_t)-amplitude;
	return mp_vad_feed(v, pcm, FRAME);
}

/* Feed `ms` of one level; returns the ms after which the event came, 0 when it didn't. */
static uint32_t until(struct mp_vad *v, int16_t amplitude, uint32_t ms, enum mp_vad_event event)
{
	uint32_t when = 0;

	for (uint32_t t = 20; t <= ms; t += 20) {
		const enum mp_vad_event e = feed(v, amplitude);

		if (e == event && !when)
			when = t;
		else
			EQ(MP_VAD_NONE, e);
	}
	return when;
}

static void test_talking_starts_at_once_and_ends_after_the_silence(void)
{
	struct mp_vad v;

	OK(mp_vad_init(&v, RATE, 256, 500));
	EQ(0, until(&v, 256, 1000, MP_VAD_STARTED)); /* at the threshold is silence */
	EQ(20, until(&v, 257, 1000, MP_VAD_STARTED));
	EQ(500, until(&v, 0, 2000, MP_VAD_FINISHED));
	EQ(1000, v.burst_ms);
	CHECK(!v.talking);
}

static void test_a_pause_shorter_than_the_silence_is_talk(void)
{
	struct mp_vad v;

	OK(mp_vad_init(&v, RATE, 256, 500));
	EQ(20, until(&v, 5000, 200, MP_VAD_STARTED));
	EQ(0, until(&v, 0, 480, MP_VAD_FINISHED));
	EQ(480, mp_vad_quiet_ms(&v));
	EQ(0, until(&v, 5000, 100, MP_VAD_STARTED));
	EQ(0, mp_vad_quiet_ms(&v));
	EQ(500, until(&v, 0, 500, MP_VAD_FINISHED));
	EQ(780, v.burst_ms);
	EQ(780, mp_vad_talked_ms(&v));
	EQ(1280, mp_vad_total_ms(&v));
}

static void test_lost_audio_counts_as_silence(void)
{
	struct mp_vad v;

	OK(mp_vad_init(&v, RATE, 256, 500));
	EQ(MP_VAD_STARTED, feed(&v, 1000));
	EQ(MP_VAD_NONE, mp_vad_skip(&v, 3999));
	EQ(MP_VAD_FINISHED, mp_vad_skip(&v, 1));
	EQ(20, v.burst_ms);
	EQ(MP_VAD_NONE, mp_vad_skip(&v, 8000));
	EQ(1500, mp_vad_quiet_ms(&v));
}

static void test_bursts_are_measured_one_by_one(void)
{
	struct mp_vad v;

	OK(mp_vad_init(&v, RATE, 100, 100));
	for (uint32_t burst = 1; burst <= 10; burst++) {
		until(&v, 1000, burst * 20, MP_VAD_STARTED);
		EQ(100, until(&v, 0, 200, MP_VAD_FINISHED));
		EQ(burst * 20, v.burst_ms);
	}
	EQ(1100, mp_vad_talked_ms(&v));
}

static void test_arguments(void)
{
	struct mp_vad v;

	ERR(EINVAL, mp_vad_init(NULL, RATE, 256, 500));
	ERR(EINVAL, mp_vad_init(&v, 0, 256, 500));
	ERR(EINVAL, mp_vad_init(&v, RATE, 0, 500));
	ERR(EINVAL, mp_vad_init(&v, RATE, 32768, 500));
	ERR(EINVAL, mp_vad_init(&v, RATE, 256, 0));
	OK(mp_vad_init(&v, RATE, 256, 500));
	EQ(MP_VAD_NONE, mp_vad_feed(&v, NULL, 1));
	EQ(MP_VAD_NONE, feed(&v, 0));
}

int main(int argc, char **argv)
{
	check_filter = argc > 1 ? argv[1] : NULL;
	RUN(test_talking_starts_at_once_and_ends_after_the_silence);
	RUN(test_a_pause_shorter_than_the_silence_is_talk);
	RUN(test_lost_audio_counts_as_silence);
	RUN(test_bursts_are_measured_one_by_one);
	RUN(test_arguments);
	return check_result();
}
