/* Snoop streams: which side they hear and are heard on, and that any end in any order is harmless. */
#include "audio.h"
#include "check.h"
#include "effects.h"
#include "engine.h"
#include "file.h"

#include <unistd.h>

enum { RATE = 8000, SAY_HZ = 440, WHISPER_HZ = 770 };

static char folder[] = "/tmp/test_snoop_XXXXXX";

static uint64_t bridge_of(struct mp_engine *e, const uint64_t *members, size_t count)
{
	uint64_t bridge;

	OK(mp_engine_create_bridge(&bridge, e));
	OK(submit(e, MP_CMD_BRIDGE_OPEN, bridge, 0, 0, 0));
	move(e, 0, &bridge, 1);
	for (size_t i = 0; i < count; i++)
		OK(submit(e, MP_CMD_BRIDGE_ADD, bridge, members[i], 0, 0));
	return bridge;
}

static void pair(struct mp_engine *e, uint64_t handle[2])
{
	OK(mp_engine_open_pair(handle, e));
	for (int i = 0; i < 2; i++)
		OK(submit(e, MP_CMD_STREAM_OPEN, handle[i], 0, 0, 0));
	move(e, 0, handle, 2);
}

static uint64_t snoop(struct mp_engine *e, uint64_t target, int spy, int whisper)
{
	uint64_t handle;

	OK(mp_engine_open_snoop(&handle, e, target));
	OK(submit(e, MP_CMD_STREAM_OPEN, handle, 0, 0, 0));
	OK(submit(e, MP_CMD_STREAM_SNOOP, handle, target, spy, whisper));
	return handle;
}

static void play(struct mp_engine *e, uint64_t stream, const char *hz)
{
	const struct mp_item item = {.kind = MP_ITEM_TONE, .text = hz};
	uint64_t player;

	OK(mp_engine_create_player(&player, e, &item, 1, 0));
	OK(submit(e, MP_CMD_STREAM_PLAY, stream, player, 0, 0));
}

/* Record half a second of what a stream says, and measure both tones in its second half. */
static void record(struct mp_engine *e, uint64_t stream, double *say, double *whisper)
{
	char path[64];
	struct mp_recorder_conf conf = {
	        .path = path, .format = "sln", .flags = MP_FILE_TRUNC, .max_duration_ms = 500};
	int16_t pcm[RATE / 2] = {0};
	uint64_t recorder;
	FILE *file;

	snprintf(path, sizeof(path), "%s/heard.sln", folder);
	OK(mp_engine_create_recorder(&recorder, e, &conf));
	OK(submit(e, MP_CMD_STREAM_RECORD, stream, recorder, 0, 0));
	EQ(MP_END_MAX_DURATION, await_event(e, MP_EVENT_RECORDER_DONE).i[0]);
	file = fopen(path, "rb");
	CHECK(file && fread(pcm, sizeof(pcm[0]), RATE / 2, file) == RATE / 2);
	fclose(file);
	unlink(path);
	*say = audio_goertzel(pcm + RATE / 4, RATE / 4, SAY_HZ, RATE);
	*whisper = audio_goertzel(pcm + RATE / 4, RATE / 4, WHISPER_HZ, RATE);
}

static void close_streams(struct mp_engine *e, const uint64_t *handles, size_t count)
{
	for (size_t i = 0; i < count; i++)
		OK(submit(e, MP_CMD_STREAM_CLOSE, handles[i], 0, 0, 0));
	await_counter(e, "streams_live", 0);
}

static void test_what_is_no_target_or_no_snoop_is_refused(void)
{
	struct mp_engine *e = start(1);
	uint64_t bridge = bridge_of(e, NULL, 0), handle, streams[2], spy;
	struct mp_cmd cmd = {.op = MP_CMD_STREAM_SNOOP, .cookie = 7, .i = {1, 0}};

	ERR(ESTALE, mp_engine_open_snoop(&handle, e, bridge));
	ERR(ESTALE, mp_engine_open_snoop(&handle, e, 12345));
	pair(e, streams);
	spy = snoop(e, streams[0], MP_TAP_IN, 0);
	cmd.handle = streams[1];
	cmd.other = streams[0];
	OK(mp_engine_submit(e, &cmd));
	mp_engine_flush(e);
	EQ(EINVAL, await_event(e, MP_EVENT_COMPLETED).i[1]);
	cmd.handle = spy;
	OK(mp_engine_submit(e, &cmd));
	mp_engine_flush(e);
	EQ(EBUSY, await_event(e, MP_EVENT_COMPLETED).i[1]);
	OK(submit(e, MP_CMD_STREAM_CLOSE, streams[0], 0, 0, 0));
	ERR(ESTALE, mp_engine_open_snoop(&handle, e, streams[0]));
	mp_engine_close(e);
}

static void test_a_snoop_is_tuned_and_others_can_not_be(void)
{
	struct mp_engine *e = start(1);
	struct mp_cmd cmd = {.op = MP_CMD_STREAM_SNOOP_TUNE, .cookie = 7, .i = {1, 0, 2048, 4096, 0}};
	uint64_t s[3];
	double full, says, hears;

	pair(e, s);
	s[2] = snoop(e, s[0], 3, 0);
	play(e, s[1], "440");
	play(e, s[0], "770");
	record(e, s[2], &full, &hears);
	cmd.handle = s[0];
	OK(mp_engine_submit(e, &cmd));
	mp_engine_flush(e);
	EQ(EINVAL, await_event(e, MP_EVENT_COMPLETED).i[1]);
	cmd.handle = s[2];
	OK(mp_engine_submit(e, &cmd));
	mp_engine_flush(e);
	EQ(0, await_event(e, MP_EVENT_COMPLETED).i[1]);
	record(e, s[2], &says, &hears);
	NEAR(full / 2, says, full / 20);
	CHECK(hears < 50);
	close_streams(e, s, 3);
	mp_engine_close(e);
}

/* One end of a pair is spied on: what it says comes from the other end, what it hears is played to it. */
static void test_directions(void)
{
	static const struct {
		int spy;
		bool says, hears;
	} CASES[] = {{MP_TAP_IN, true, false}, {MP_TAP_OUT, false, true}, {3, true, true}};

	for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
		struct mp_engine *e = start(1);
		uint64_t s[3];
		double says, hears;

		pair(e, s);
		s[2] = snoop(e, s[0], CASES[i].spy, 0);
		play(e, s[1], "440");
		play(e, s[0], "770");
		record(e, s[2], &says, &hears);
		CHECK(CASES[i].says ? says > 2000 : says < 50);
		CHECK(CASES[i].hears ? hears > 2000 : hears < 50);
		close_streams(e, s, 3);
		mp_engine_close(e);
	}
}

static void test_whispers_reach_the_target_and_those_who_hear_it(void)
{
	struct mp_engine *e = start(1);
	uint64_t s[3];
	double says, whispered;

	pair(e, s);
	s[2] = snoop(e, s[0], 0, 3);
	play(e, s[2], "770");
	record(e, s[1], &says, &whispered); /* what the target hears, its pair says */
	CHECK(whispered > 2000 && says < 50);
	play(e, s[1], "440");
	record(e, s[0], &says, &whispered); /* what the target says, to whom it may concern */
	CHECK(whispered > 2000 && says > 2000);
	record(e, s[2], &says, &whispered); /* a spy of no direction */
	CHECK(whispered < 50 && says < 50);
	close_streams(e, s, 3);
	mp_engine_close(e);
}

/* Any effect, and what else is done to a stream, may come at any time while it is fed. */
static void disturb(struct mp_engine *e, uint64_t stream, uint64_t snoop_stream, uint64_t random)
{
	struct mp_cmd cmd = {.op = MP_CMD_STREAM_EFFECT,
	                     .handle = stream,
	                     .i = {1 + (random & 1), (random >> 1) % MP_EFFECT_COUNT, 0}};
	static const int64_t VALUES[MP_EFFECT_COUNT] = {8192, 4000, 1, 1500, 1};

	if (random & 64)
		cmd.i[2] = VALUES[cmd.i[1]];
	else
		cmd.i[2] = cmd.i[1] == MP_EFFECT_GAIN ? 4096 : cmd.i[1] == MP_EFFECT_PITCH ? 1000 : 0;
	OK(mp_engine_submit(e, &cmd));
	OK(submit(e, MP_CMD_STREAM_DROP, stream, 0, 1 + (random & 1), (random >> 7) & 3));
	cmd = (struct mp_cmd){
	        .op = MP_CMD_STREAM_JITTER, .handle = stream, .i = {(random >> 9) & 1, 40, 200}};
	OK(mp_engine_submit(e, &cmd));
	cmd = (struct mp_cmd){.op = MP_CMD_STREAM_SNOOP_TUNE,
	                      .handle = snoop_stream,
	                      .i = {(random >> 10) & 3, (random >> 12) & 3, 8192, 2048, random & 1}};
	OK(mp_engine_submit(e, &cmd));
	mp_engine_flush(e);
}

/* Groups of two bridges, tied by a snoop, wander between workers while they are fed. */
static void test_moves_take_target_and_snoop_along(void)
{
	enum { WORKERS = 3, ROUNDS = 200 };
	struct mp_engine *e = start(WORKERS);
	uint64_t group[7], seed = 1;

	pair(e, &group[0]);
	pair(e, &group[2]);
	group[4] = snoop(e, group[0], 3, 3);
	group[5] = bridge_of(e, (uint64_t[]){group[0], group[3]}, 2);
	group[6] = bridge_of(e, (uint64_t[]){group[4], group[2]}, 2);
	play(e, group[1], "440");
	for (int round = 0; round < ROUNDS; round++) {
		seed = seed * 6364136223846793005u + 1442695040888963407u;
		move(e, (unsigned)(seed >> 33) % WORKERS, group, 7);
		OK(submit(e, MP_CMD_STREAM_MUTE, group[4], 0, 0, round & 1));
		disturb(e, group[0], group[4], seed >> 40);
		OK(submit(e, MP_CMD_STREAM_BACKGROUND, group[1], 0, round % 5, 0));
		if (round % 10 == 0) {
			const struct timespec ts = {.tv_nsec = 25000000};
			nanosleep(&ts, NULL);
		}
		drain_all(e);
	}
	OK(submit(e, MP_CMD_BRIDGE_CLOSE, group[6], 0, 0, 0));
	OK(submit(e, MP_CMD_BRIDGE_CLOSE, group[5], 0, 0, 0));
	close_streams(e, group, 5);
	await_counter(e, "bridges_live", 0);
	mp_engine_close(e);
}

/* Target, snoops, a snoop's snoop and the bridges they are in, closed in every rotation. */
static void test_any_end_in_any_order(void)
{
	enum { THINGS = 7 };

	for (int first = 0; first <= THINGS; first++) {
		struct mp_engine *e = start(1);
		uint64_t s[THINGS], peer[2];
		const struct timespec ticks = {.tv_nsec = 45000000};

		pair(e, s);
		pair(e, peer);
		s[2] = snoop(e, s[0], 3, 3);
		s[3] = snoop(e, s[0], MP_TAP_IN, MP_TAP_OUT);
		s[4] = snoop(e, s[2], 3, 3);
		s[5] = bridge_of(e, (uint64_t[]){s[0], peer[0]}, 2);
		s[6] = bridge_of(e, (uint64_t[]){s[2], s[3], s[4]}, 3);
		play(e, s[1], "440");
		play(e, peer[1], "770");
		OK(submit(e, MP_CMD_STREAM_BACKGROUND, s[4], 0, MP_BACKGROUND_ECHO, 0));
		nanosleep(&ticks, NULL);
		for (int i = 0; first < THINGS && i < THINGS; i++) {
			const int at = (first + i) % THINGS;

			OK(submit(e, at < 5 ? MP_CMD_STREAM_CLOSE : MP_CMD_BRIDGE_CLOSE, s[at], 0, 0, 0));
			if (i % 2)
				nanosleep(&ticks, NULL);
		}
		if (first < THINGS) {
			await_counter(e, "streams_live", 2);
			await_counter(e, "bridges_live", 0);
		}
		mp_engine_close(e); /* the last time round with all of it alive */
	}
}

int main(int argc, char **argv)
{
	check_filter = argc > 1 ? argv[1] : NULL;
	CHECK(mkdtemp(folder));
	RUN(test_what_is_no_target_or_no_snoop_is_refused);
	RUN(test_a_snoop_is_tuned_and_others_can_not_be);
	RUN(test_directions);
	RUN(test_whispers_reach_the_target_and_those_who_hear_it);
	RUN(test_moves_take_target_and_snoop_along);
	RUN(test_any_end_in_any_order);
	rmdir(folder);
	return check_result();
}
