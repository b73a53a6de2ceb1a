/* The engine as its control thread sees it: life, commands, moves between workers, floods, leaks. */
#include "check.h"

#include <unistd.h>

#ifdef __has_feature /* clang names its sanitizers otherwise */
#if __has_feature(address_sanitizer) && !defined(__SANITIZE_ADDRESS__)
#define __SANITIZE_ADDRESS__ 1
#elif __has_feature(thread_sanitizer) && !defined(__SANITIZE_THREAD__)
#define __SANITIZE_THREAD__ 1
#endif
#endif
#include "alloc.h"
#include "engine.h"
#include "file.h"

static void test_open_and_close_without_start(void)
{
	struct mp_engine_conf conf = CONF;
	struct mp_engine *e;
	uint64_t handle;
	uint16_t port;

	conf.workers = 0;
	ERR(EINVAL, mp_engine_open(&e, &conf));
	CHECK(!e);
	OK(mp_engine_open(&e, &CONF));
	OK(mp_engine_open_rtp(&handle, &port, e, "127.0.0.1", 0));
	mp_engine_close(e);
	mp_engine_close(NULL);
}

static int open_all(void)
{
	const struct mp_item item = {.kind = MP_ITEM_TONE, .text = "440"};
	const struct mp_recorder_conf conf = {.path = "/tmp/x", .format = "wav", .flags = MP_FILE_TRUNC};
	struct mp_engine *e;
	uint64_t handle[2];
	uint16_t port;
	int err = mp_engine_open(&e, &CONF);

	if (err)
		return err;
	err = mp_engine_open_rtp(handle, &port, e, "127.0.0.1", 0);
	if (!err)
		err = mp_engine_open_pair(handle, e);
	if (!err)
		err = mp_engine_open_snoop(&handle[1], e, handle[0]);
	if (!err)
		err = mp_engine_create_bridge(handle, e);
	if (!err)
		err = mp_engine_create_player(handle, e, &item, 1, 0);
	if (!err)
		err = mp_engine_create_recorder(handle, e, &conf);
	mp_engine_close(e);
	return err;
}

static void test_without_memory_nothing_is_half_open(void)
{
	WITH_MEMORY_LIMITS(open_all());
}

static void test_stale_handles_and_wrong_kinds_are_refused(void)
{
	struct mp_engine *e = start(1);
	uint64_t stream, bridge;

	OK(mp_engine_open_null(&stream, e));
	OK(mp_engine_create_bridge(&bridge, e));
	OK(submit(e, MP_CMD_STREAM_OPEN, stream, 0, 0, 0));
	OK(submit(e, MP_CMD_BRIDGE_OPEN, bridge, 0, 0, 0));
	ERR(ESTALE, submit(e, MP_CMD_STREAM_MUTE, bridge, 0, 1, 1));
	ERR(ESTALE, submit(e, MP_CMD_BRIDGE_ADD, bridge, bridge, 0, 0));
	ERR(ESTALE, submit(e, MP_CMD_STREAM_MUTE, 12345, 0, 1, 1));
	OK(submit(e, MP_CMD_STREAM_CLOSE, stream, 0, 0, 0));
	ERR(ESTALE, submit(e, MP_CMD_STREAM_MUTE, stream, 0, 1, 1));
	EQ(stream, await_event(e, MP_EVENT_CLOSED).handle);
	ERR(ESTALE, submit(e, MP_CMD_STREAM_CLOSE, stream, 0, 0, 0));
	EQ(0, counter(e, "streams_live"));
	mp_engine_close(e);
}

static void test_relay_between_two_streams(void)
{
	struct mp_engine *e = start(1);
	uint64_t streams[2], bridge;
	uint16_t ports[2], phones[2];
	uint8_t packet[300];
	int fds[2];

	OK(mp_engine_create_bridge(&bridge, e));
	OK(submit(e, MP_CMD_BRIDGE_OPEN, bridge, 0, 0, 0));
	for (int i = 0; i < 2; i++) {
		fds[i] = phone(&phones[i]);
		OK(mp_engine_open_rtp(&streams[i], &ports[i], e, "127.0.0.1", 0));
		OK(submit(e, MP_CMD_STREAM_OPEN, streams[i], 0, 0, 0));
		configure(e, streams[i], phones[i]);
		OK(submit(e, MP_CMD_BRIDGE_ADD, bridge, streams[i], 0, 0));
	}
	for (uint16_t seq = 0; seq < 100; seq++) {
		send_rtp(fds[0], ports[0], seq);
		if (seq == 0) { /* it may come before the bridge is complete */
			const struct timespec ts = {.tv_nsec = 50000000};
			nanosleep(&ts, NULL);
		}
	}
	for (int i = 0; i < 90; i++) {
		struct pollfd fd = {.fd = fds[1], .events = POLLIN};

		CHECK(poll(&fd, 1, 2000) == 1);
		EQ(172, recv(fds[1], packet, sizeof(packet), 0));
		EQ(0x55, packet[12]);
	}
	mp_engine_close(e);
	close(fds[0]);
	close(fds[1]);
}

static void test_malformed_packets_are_counted_and_harmless(void)
{
	struct mp_engine *e = start(1);
	uint64_t stream, seed = 88172645463325252u;
	uint16_t port, own;
	uint8_t packet[64];
	const int fd = phone(&own);
	enum { COUNT = 10000 };

	OK(mp_engine_open_rtp(&stream, &port, e, "127.0.0.1", 0));
	OK(submit(e, MP_CMD_STREAM_OPEN, stream, 0, 0, 0));
	configure(e, stream, own);
	for (int i = 0; i < COUNT; i++) {
		for (size_t k = 0; k < sizeof(packet); k++) {
			seed ^= seed << 13;
			seed ^= seed >> 7;
			seed ^= seed << 17;
			packet[k] = (uint8_t)seed;
		}
		packet[0] &= 0x7f; /* version 0 or 1: never RTP */
		send_to(fd, (uint16_t)(port + (i & 1)), packet, 1 + (size_t)(seed >> 8) % sizeof(packet));
		if (i % 50 == 49) { /* at the pace of the receiver, so that the kernel drops none */
			const struct timespec ts = {.tv_nsec = 1000000};
			nanosleep(&ts, NULL);
		}
	}
	await_counter(e, "rx_bad", COUNT / 2);
	await_counter(e, "rtcp_bad", COUNT / 2);
	mp_engine_close(e);
	close(fd);
}

/* Groups wander between workers while they are fed, played to and changed. */
static void test_moves_keep_commands_in_order(void)
{
	enum { WORKERS = 3, ROUNDS = 300 };
	struct mp_engine *e = start(WORKERS);
	uint64_t group[4], player, seed = 1;
	uint16_t port[2], own[2];
	int fds[2];

	OK(mp_engine_create_bridge(&group[0], e));
	OK(mp_engine_open_null(&group[3], e));
	OK(submit(e, MP_CMD_BRIDGE_OPEN, group[0], 0, 0, 0));
	OK(submit(e, MP_CMD_STREAM_OPEN, group[3], 0, 0, 0));
	for (int i = 0; i < 2; i++) {
		fds[i] = phone(&own[i]);
		OK(mp_engine_open_rtp(&group[i + 1], &port[i], e, "127.0.0.1", 0));
		OK(submit(e, MP_CMD_STREAM_OPEN, group[i + 1], 0, 0, 0));
		configure(e, group[i + 1], own[i]);
	}
	for (int i = 0; i < 4; i++)
		move(e, 0, &group[i], 1);
	for (int i = 1; i < 4; i++)
		OK(submit(e, MP_CMD_BRIDGE_ADD, group[0], group[i], 0, 0));
	for (int round = 0; round < ROUNDS; round++) {
		const struct mp_item item = {.kind = MP_ITEM_TONE, .text = "440", .ms = 30};

		seed = seed * 6364136223846793005u + 1442695040888963407u;
		move(e, (unsigned)(seed >> 33) % WORKERS, group, 4);
		send_rtp(fds[round & 1], port[round & 1], (uint16_t)round);
		OK(submit(e, MP_CMD_STREAM_MUTE, group[1], 0, 0, round & 1));
		OK(submit(e, MP_CMD_STREAM_BACKGROUND, group[2], 0, round & 1, 0));
		OK(mp_engine_create_player(&player, e, &item, 1, 0));
		OK(submit(e, MP_CMD_STREAM_PLAY, group[1], player, 0, 0));
		if (round % 3 == 0)
			OK(submit(e, MP_CMD_PLAYER_STOP, player, 0, 0, 0));
		drain_all(e);
		if (round % 20 == 0) {
			const struct timespec ts = {.tv_nsec = 5000000};
			nanosleep(&ts, NULL);
		}
	}
	for (int i = 1; i < 4; i++)
		OK(submit(e, MP_CMD_STREAM_CLOSE, group[i], 0, 0, 0));
	OK(submit(e, MP_CMD_BRIDGE_CLOSE, group[0], 0, 0, 0));
	await_counter(e, "streams_live", 0);
	await_counter(e, "players_live", 0);
	await_counter(e, "bridges_live", 0);
	mp_engine_close(e);
	close(fds[0]);
	close(fds[1]);
}

static void define_music(struct mp_engine *e, const char *path)
{
	struct mp_cmd cmd = {.op = MP_CMD_MUSIC_DEFINE, .bytes_len = strlen(path) + 1};

	cmd.text[0] = strdup("default");
	cmd.bytes = (uint8_t *)strdup(path);
	OK(mp_engine_submit(e, &cmd));
	mp_engine_flush(e);
}

static void set_music(struct mp_engine *e, unsigned op, uint64_t handle, const char *name)
{
	struct mp_cmd cmd = {.op = (uint16_t)op, .handle = handle, .i = {MP_BACKGROUND_MUSIC}};

	cmd.text[0] = strdup(name);
	OK(mp_engine_submit(e, &cmd));
	mp_engine_flush(e);
}

static void write_sound(const char *path)
{
	struct mp_writer *w;
	int16_t pcm[1600];

	for (int i = 0; i < 1600; i++)
		pcm[i] = (int16_t)(i % 16 * 500);
	OK(mp_writer_open(&w, path, "wav", MP_FILE_TRUNC));
	OK(mp_writer_write(w, pcm, 1600));
	OK(mp_writer_close(w));
}

/* A conference with all that can sit on it, while the control thread reads statistics. */
static void test_mixing_playing_recording_and_music_together(void)
{
	char dir[] = "/tmp/test_engine_XXXXXX", sound[64], file[64];
	struct mp_engine *e = start(2);
	struct mp_stream_stats stats;
	uint64_t bridge, streams[4], player, recorder, handles[5];
	uint16_t ports[4], own[4];
	int fds[4];

	CHECK(mkdtemp(dir));
	snprintf(sound, sizeof(sound), "%s/sound.wav", dir);
	snprintf(file, sizeof(file), "%s/record.wav", dir);
	write_sound(sound);
	define_music(e, sound);
	OK(mp_engine_create_bridge(&bridge, e));
	OK(submit(e, MP_CMD_BRIDGE_OPEN, bridge, 0, 0, 0));
	handles[0] = bridge;
	for (int i = 0; i < 4; i++) {
		fds[i] = phone(&own[i]);
		OK(mp_engine_open_rtp(&streams[i], &ports[i], e, "127.0.0.1", 0));
		handles[i + 1] = streams[i];
		OK(submit(e, MP_CMD_STREAM_OPEN, streams[i], 0, 0, 0));
		configure(e, streams[i], own[i]);
	}
	for (int i = 0; i < 5; i++)
		move(e, 1, &handles[i], 1);
	for (int i = 0; i < 4; i++)
		OK(submit(e, MP_CMD_BRIDGE_ADD, bridge, streams[i], 0, 0));
	for (int round = 0; round < 40; round++) {
		const struct timespec ts = {.tv_nsec = 10000000};
		const struct mp_item items[] = {{.kind = MP_ITEM_FILE, .text = sound},
		                                {.kind = MP_ITEM_FILE, .text = sound}};
		const struct mp_recorder_conf conf = {.path = file,
		                                      .format = "wav",
		                                      .flags = MP_FILE_TRUNC,
		                                      .max_duration_ms = 100,
		                                      .beep = round & 1};

		for (int i = 0; i < 4; i++)
			send_rtp(fds[i], ports[i], (uint16_t)round);
		if (round % 8 == 0) {
			OK(mp_engine_create_player(&player, e, items, 2, 0));
			OK(submit(e, round & 8 ? MP_CMD_BRIDGE_PLAY : MP_CMD_STREAM_PLAY,
			          round & 8 ? bridge : streams[0], player, 0, 0));
			OK(mp_engine_create_recorder(&recorder, e, &conf));
			OK(submit(e, round & 8 ? MP_CMD_BRIDGE_RECORD : MP_CMD_STREAM_RECORD,
			          round & 8 ? bridge : streams[1], recorder, 0, 0));
			set_music(e, MP_CMD_STREAM_BACKGROUND, streams[2], "other");
			set_music(e, MP_CMD_BRIDGE_MUSIC, bridge, round & 16 ? "default" : "");
			move(e, (unsigned)(round / 8) & 1, handles, 5);
		}
		OK(mp_engine_stream_stats(&stats, e, streams[round & 3]));
		(void)counter(e, "ticks");
		drain_all(e);
		nanosleep(&ts, NULL);
	}
	CHECK(stats.tx_packets > 0);
	for (int i = 0; i < 4; i++) {
		OK(submit(e, MP_CMD_STREAM_CLOSE, streams[i], 0, 0, 0));
		close(fds[i]);
	}
	OK(submit(e, MP_CMD_BRIDGE_CLOSE, bridge, 0, 0, 0));
	await_counter(e, "recorders_live", 0);
	await_counter(e, "players_live", 0);
	await_counter(e, "streams_live", 0);
	mp_engine_close(e);
	unlink(sound);
	unlink(file);
	rmdir(dir);
}

static int scan(struct mp_engine *e, uint64_t stream, int64_t tag, int64_t threshold, size_t tones)
{
	struct mp_cmd cmd = {.op = MP_CMD_STREAM_SCAN,
	                     .cookie = 7,
	                     .handle = stream,
	                     .i = {tag, threshold, 1, 200, 20, 0},
	                     .bytes_len = tones * sizeof(uint16_t)};

	cmd.bytes = calloc(tones + 1, sizeof(uint16_t));
	for (size_t i = 0; i < tones; i++)
		((uint16_t *)cmd.bytes)[i] = (uint16_t)(500 + 100 * i);
	OK(mp_engine_submit(e, &cmd));
	mp_engine_flush(e);
	return (int)await_event(e, MP_EVENT_COMPLETED).i[1];
}

static void test_scans_come_and_go_and_end_with_their_stream(void)
{
	struct mp_engine *e = start(2);
	uint64_t pair[2];

	OK(mp_engine_open_pair(pair, e));
	OK(submit(e, MP_CMD_STREAM_OPEN, pair[0], 0, 0, 0));
	OK(submit(e, MP_CMD_STREAM_OPEN, pair[1], 0, 0, 0));
	for (int64_t tag = 1; tag <= 16; tag++)
		EQ(0, scan(e, pair[0], tag, 256, 16));
	EQ(EINVAL, scan(e, pair[0], 17, 256, 0)); /* too many */
	EQ(0, scan(e, pair[0], 3, 0, 0));
	EQ(0, scan(e, pair[0], 3, 0, 0)); /* ended already */
	EQ(EINVAL, scan(e, pair[0], 17, 256, 17));
	EQ(EINVAL, scan(e, pair[0], 17, 40000, 1));
	CHECK(await_event(e, MP_EVENT_SCAN).i[0] != 3);
	OK(submit(e, MP_CMD_STREAM_CLOSE, pair[0], 0, 0, 0));
	EQ(0, scan(e, pair[1], 1, 256, 1)); /* ends with the engine */
	await_counter(e, "streams_live", 1);
	mp_engine_close(e);
}

static void test_many_streams_open_and_close(void)
{
	struct mp_engine *e = start(2);
	uint64_t handles[200];
	uint16_t port;

	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < 200; i++) {
			OK(mp_engine_open_rtp(&handles[i], &port, e, "127.0.0.1", 0));
			OK(submit(e, MP_CMD_STREAM_OPEN, handles[i], 0, 0, 0));
		}
		for (int i = 0; i < 200; i++)
			OK(submit(e, MP_CMD_STREAM_CLOSE, handles[i], 0, 0, 0));
		await_counter(e, "streams_live", 0);
	}
	mp_engine_close(e);
}

/* The control thread drains as fast as it can while players end: it must not free one too early. */
static void test_ended_players_are_freed_when_the_worker_is_done_with_them(void)
{
	const struct mp_item item = {.kind = MP_ITEM_SILENCE, .text = "", .ms = 1};
	struct mp_engine *e = start(1);
	uint64_t streams[64], player;

	for (int i = 0; i < 64; i++) {
		OK(mp_engine_open_null(&streams[i], e));
		OK(submit(e, MP_CMD_STREAM_OPEN, streams[i], 0, 0, 0));
	}
	for (int round = 0; round < 50; round++) {
		for (int i = 0; i < 64; i++) {
			OK(mp_engine_create_player(&player, e, &item, 1, 0));
			OK(submit(e, MP_CMD_STREAM_PLAY, streams[i], player, 0, 0));
		}
		while (counter(e, "players_live"))
			drain_all(e);
	}
	mp_engine_close(e);
}

static void test_stopping_ends_players(void)
{
	const struct mp_item item = {.kind = MP_ITEM_SILENCE, .text = "", .ms = 60000};
	struct mp_engine *e = start(1);
	uint64_t stream, player;

	OK(mp_engine_open_null(&stream, e));
	OK(submit(e, MP_CMD_STREAM_OPEN, stream, 0, 0, 0));
	OK(mp_engine_create_player(&player, e, &item, 1, 0));
	OK(submit(e, MP_CMD_STREAM_PLAY, stream, player, 0, 0));
	EQ(player, await_event(e, MP_EVENT_PLAYER_ITEM).handle);
	mp_engine_stop(e, 1000);
	EQ(MP_END_STOPPED, await_event(e, MP_EVENT_PLAYER_DONE).i[0]);
	ERR(ESTALE, submit(e, MP_CMD_STREAM_MUTE, stream, 0, 1, 1));
	mp_engine_close(e);
}

int main(int argc, char **argv)
{
	check_filter = argc > 1 ? argv[1] : NULL;
	RUN(test_open_and_close_without_start);
	RUN(test_without_memory_nothing_is_half_open);
	RUN(test_stale_handles_and_wrong_kinds_are_refused);
	RUN(test_relay_between_two_streams);
	RUN(test_malformed_packets_are_counted_and_harmless);
	RUN(test_moves_keep_commands_in_order);
	RUN(test_mixing_playing_recording_and_music_together);
	RUN(test_scans_come_and_go_and_end_with_their_stream);
	RUN(test_many_streams_open_and_close);
	RUN(test_ended_players_are_freed_when_the_worker_is_done_with_them);
	RUN(test_stopping_ends_players);
	return check_result();
}
