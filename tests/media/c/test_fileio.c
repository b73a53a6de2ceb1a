/* File I/O beside the workers: streamed and cached sources, seeks, sinks, errors, races, leaks. */
#include "check.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "alloc.h"
#include "audio.h"
#include "file.h"
#include "fileio.h"

enum {
	RATE = 8000,
	SHORT = 2 * RATE,
	LONG = 30 * RATE, /* past the cache's 20 s */
	PRIME = 32749     /* period of the ramp: every place in a file has its own value nearby */
};

static char dir[64];
static int16_t pcm[LONG + RATE];

static const char *path_of(const char *name)
{
	static _Thread_local char paths[4][256];
	static _Thread_local int turn;
	char *p = paths[turn++ % 4];

	snprintf(p, sizeof(paths[0]), "%s/%s", dir, name);
	return p;
}

static int16_t ramp(uint64_t i)
{
	return (int16_t)(i % PRIME);
}

static void make_file(const char *name, size_t n)
{
	struct mp_writer *w;

	for (size_t i = 0; i < n; i++)
		pcm[i] = ramp(i);
	OK(mp_writer_open(&w, path_of(name), NULL, MP_FILE_TRUNC));
	OK(mp_writer_write(w, pcm, n));
	OK(mp_writer_close(w));
}

static void pause_1ms(void)
{
	const struct timespec ms = {0, 1000000};

	nanosleep(&ms, NULL);
}

/* Poll a condition, as workers do each tick; five seconds at most. */
#define WAIT_FOR(cond)                             \
	do {                                       \
		int wait_n = 0;                    \
		while (!(cond) && wait_n++ < 5000) \
			pause_1ms();               \
		CHECK(cond);                       \
	} while (0)

static struct mp_fileio *start(const struct mp_fileio_conf *conf)
{
	struct mp_fileio *f;

	OK(mp_fileio_open(&f, conf));
	return f;
}

static struct mp_fileio_stats stats_of(struct mp_fileio *f)
{
	struct mp_fileio_stats s;

	mp_fileio_stats(f, &s);
	return s;
}

static struct mp_source *play(struct mp_fileio *f, const char *name, uint32_t rate, uint64_t ms)
{
	struct mp_source *s;

	OK(mp_source_open(&s, f, path_of(name), NULL, rate, ms));
	WAIT_FOR(mp_source_state(s) != MP_SOURCE_OPENING);
	return s;
}

/* Read to the end in frames of 20 ms, patiently; returns the samples, each checked against the ramp. */
static size_t read_ramp(struct mp_source *s, size_t from)
{
	size_t total = 0;

	while (mp_source_state(s) != MP_SOURCE_END) {
		int16_t frame[160];
		const size_t got = mp_source_read(s, frame, 160);

		for (size_t i = 0; i < got; i++)
			EQ(ramp(from + total + i), frame[i]);
		total += got;
		if (got < 160)
			pause_1ms();
		CHECK(mp_source_state(s) != MP_SOURCE_ERROR);
	}
	return total;
}

static void test_a_short_sound_is_played_whole(void)
{
	struct mp_fileio *f = start(NULL);
	struct mp_source *s;

	make_file("short.wav", SHORT);
	s = play(f, "short.wav", 0, 0);
	EQ(RATE, mp_source_rate(s));
	EQ(2000, mp_source_duration_ms(s));
	EQ(0, mp_source_position_ms(s));
	EQ(SHORT, read_ramp(s, 0));
	EQ(2000, mp_source_position_ms(s));
	EQ(0, mp_source_read(s, pcm, 160));
	EQ(0, mp_source_error(s));
	mp_source_close(s);
	mp_fileio_close(f);
}

static void test_a_long_file_is_streamed_whole(void)
{
	struct mp_fileio *f = start(NULL);
	struct mp_source *s;

	make_file("long.wav", LONG);
	s = play(f, "long.wav", 0, 0);
	EQ(30000, mp_source_duration_ms(s));
	EQ(LONG, read_ramp(s, 0));
	EQ(0, stats_of(f).sounds_live);
	mp_source_close(s);
	mp_fileio_close(f);
}

static void check_seeks(struct mp_fileio *f, const char *name, uint64_t length_ms)
{
	const uint64_t places[] = {1500, 0, length_ms - 1, 1, length_ms + 7, 700, UINT64_MAX, 20};
	struct mp_source *s = play(f, name, 0, 333);

	EQ(333, mp_source_position_ms(s));
	EQ((length_ms - 333) * 8, read_ramp(s, 333 * 8));
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		const uint64_t ms = places[i] < length_ms ? places[i] : length_ms;

		mp_source_seek(s, places[i]);
		WAIT_FOR(mp_source_state(s) != MP_SOURCE_OPENING);
		EQ(ms, mp_source_position_ms(s));
		EQ((length_ms - ms) * 8, read_ramp(s, ms * 8));
	}
	mp_source_seek(s, 100); /* the last of several requests counts */
	mp_source_seek(s, 200);
	mp_source_seek(s, 1000);
	EQ(1000, mp_source_position_ms(s));
	WAIT_FOR(mp_source_state(s) != MP_SOURCE_OPENING);
	EQ((length_ms - 1000) * 8, read_ramp(s, 8000));
	mp_source_close(s);
}

static void test_seek_and_restart(void)
{
	struct mp_fileio *f = start(NULL);

	make_file("short.wav", SHORT);
	make_file("long.wav", LONG);
	check_seeks(f, "short.wav", 2000);
	check_seeks(f, "long.wav", 30000);
	mp_fileio_close(f);
}

static void test_players_share_a_decoded_sound(void)
{
	struct mp_fileio *f = start(NULL);
	struct mp_source *s[10];

	make_file("short.wav", SHORT);
	for (int i = 0; i < 10; i++)
		s[i] = play(f, "short.wav", 0, 0);
	EQ(1, stats_of(f).sounds_live);
	EQ(9, stats_of(f).cache_hits);
	EQ(1, stats_of(f).cache_misses);
	EQ(SHORT * 2, stats_of(f).cache_bytes);
	EQ(10, stats_of(f).sources_live);
	for (int i = 0; i < 10; i++) {
		EQ(SHORT, read_ramp(s[i], 0));
		mp_source_close(s[i]);
	}
	WAIT_FOR(stats_of(f).sources_live == 0);
	EQ(1, stats_of(f).sounds_live);
	mp_fileio_close(f);
}

static void test_a_replaced_file_is_decoded_anew(void)
{
	struct mp_fileio *f = start(NULL);
	struct mp_source *old, *s;

	make_file("short.wav", SHORT);
	old = play(f, "short.wav", 0, 0);
	make_file("short.wav", SHORT / 2);
	s = play(f, "short.wav", 0, 0);
	EQ(SHORT / 2, read_ramp(s, 0));
	EQ(SHORT, read_ramp(old, 0)); /* who plays the old one plays it to the end */
	EQ(2, stats_of(f).sounds_live);
	mp_source_close(old);
	WAIT_FOR(stats_of(f).sounds_live == 1);
	unlink(path_of("short.wav"));
	mp_source_close(s);
	s = play(f, "short.wav", 0, 0);
	EQ(ENOENT, mp_source_error(s));
	EQ(0, stats_of(f).cache_bytes);
	mp_source_close(s);
	mp_fileio_close(f);
}

static void test_the_cache_is_bounded(void)
{
	const struct mp_fileio_conf conf = {.cache_bytes = 3 * SHORT * 2};
	struct mp_fileio *f = start(&conf);
	char name[32];

	for (int i = 0; i < 8; i++) {
		snprintf(name, sizeof(name), "c%d.sln", i);
		make_file(name, SHORT);
		mp_source_close(play(f, name, 0, 0));
		CHECK(stats_of(f).cache_bytes <= conf.cache_bytes);
	}
	WAIT_FOR(stats_of(f).sounds_live == 3);
	mp_source_close(play(f, "c7.sln", 0, 0)); /* the newest is there, the oldest went */
	EQ(1, stats_of(f).cache_hits);
	mp_source_close(play(f, "c0.sln", 0, 0));
	EQ(1, stats_of(f).cache_hits);
	mp_fileio_close(f);
}

static void test_a_sound_larger_than_the_cache_is_played(void)
{
	const struct mp_fileio_conf conf = {.cache_bytes = 100};
	struct mp_fileio *f = start(&conf);
	struct mp_source *s;

	make_file("short.wav", SHORT);
	s = play(f, "short.wav", 0, 0);
	EQ(SHORT, read_ramp(s, 0));
	EQ(0, stats_of(f).cache_bytes);
	mp_source_close(s);
	WAIT_FOR(stats_of(f).sounds_live == 0);
	mp_fileio_close(f);
}

static void test_source_errors(void)
{
	struct mp_fileio *f = start(NULL);
	struct mp_source *s;
	int fd;

	s = play(f, "missing.wav", 0, 0);
	EQ(MP_SOURCE_ERROR, mp_source_state(s));
	EQ(ENOENT, mp_source_error(s));
	EQ(0, mp_source_read(s, pcm, 160));
	mp_source_seek(s, 0);
	WAIT_FOR(mp_source_state(s) != MP_SOURCE_OPENING);
	EQ(ENOENT, mp_source_error(s));
	mp_source_close(s);
	s = play(f, "missing.xyz", 0, 0);
	EQ(ENOTSUP, mp_source_error(s));
	mp_source_close(s);
	fd = open(path_of("bad.wav"), O_CREAT | O_WRONLY, 0600);
	EQ(4, write(fd, "RIFF", 4));
	close(fd);
	s = play(f, "bad.wav", 0, 0);
	EQ(EBADMSG, mp_source_error(s));
	mp_source_close(s);
	ERR(EINVAL, mp_source_open(&s, NULL, "x", NULL, 0, 0));
	CHECK(!s);
	mp_source_close(NULL);
	mp_fileio_close(f);
}

static void test_sources_are_resampled(void)
{
	static const uint32_t rates[] = {8000, 16000, 48000};
	struct mp_fileio *f = start(NULL);
	static int16_t out[48000 * 2 + 100];
	struct mp_writer *w;

	memset(pcm, 0, sizeof(pcm));
	audio_sine(pcm, SHORT, 0, 1000, 8000, RATE);
	OK(mp_writer_open(&w, path_of("tone.sln"), NULL, MP_FILE_TRUNC));
	OK(mp_writer_write(w, pcm, SHORT));
	OK(mp_writer_close(w));
	for (size_t i = 0; i < 3; i++) {
		struct mp_source *s = play(f, "tone.sln", rates[i], 0);
		const size_t n = mp_source_read(s, out, sizeof(out) / 2);

		EQ(rates[i], mp_source_rate(s));
		EQ(2000, mp_source_duration_ms(s));
		EQ(2 * rates[i], n);
		EQ(MP_SOURCE_END, mp_source_state(s));
		NEAR(8000, audio_goertzel(out + rates[i] / 2, rates[i], 1000, rates[i]), 80);
		NEAR(8000 / sqrt(2), audio_rms(out + rates[i] / 2, rates[i]), 80);
		mp_source_close(s);
	}
	mp_fileio_close(f);
}

static void test_a_long_file_is_resampled_to_its_exact_length(void)
{
	struct mp_fileio *f = start(NULL);
	struct mp_source *s;
	size_t total = 0;

	make_file("long.wav", LONG);
	s = play(f, "long.wav", 16000, 0);
	while (mp_source_state(s) != MP_SOURCE_END) {
		const size_t got = mp_source_read(s, pcm, 3200);

		total += got;
		if (got < 3200)
			pause_1ms();
	}
	EQ(2 * LONG, total);
	EQ(30000, mp_source_position_ms(s));
	mp_source_close(s);
	mp_fileio_close(f);
}

/* Reading faster than the disk gives starves, is counted, and loses nothing. */
static void test_starving_is_counted_and_loses_nothing(void)
{
	const struct mp_fileio_conf conf = {.read_ahead_ms = 200};
	struct mp_fileio *f = start(&conf);
	struct mp_source *s;
	size_t total = 0;

	make_file("long.wav", LONG);
	s = play(f, "long.wav", 0, 0);
	while (mp_source_state(s) != MP_SOURCE_END) {
		const size_t got = mp_source_read(s, pcm, 8000);

		for (size_t i = 0; i < got; i++)
			EQ(ramp(total + i), pcm[i]);
		total += got;
	}
	EQ(LONG, total);
	CHECK(stats_of(f).starved > 0);
	mp_source_close(s);
	mp_fileio_close(f);
}

/* -- sinks -------------------------------------------------------------------------------------- */

static struct mp_sink *record(struct mp_fileio *f, const char *name, unsigned flags, uint32_t rate)
{
	struct mp_sink *s;

	OK(mp_sink_open(&s, f, path_of(name), NULL, flags, rate));
	return s;
}

static void write_ramp(struct mp_sink *s, size_t from, size_t n)
{
	for (size_t i = 0; i < n; i++)
		pcm[i] = ramp(from + i);
	EQ(n, mp_sink_write(s, pcm, n));
}

static void check_file(const char *name, size_t n)
{
	struct mp_reader *r;
	size_t total = 0, got;

	OK(mp_reader_open(&r, path_of(name), NULL));
	EQ(n, mp_reader_samples(r));
	do {
		OK(mp_reader_read(r, pcm, LONG, &got));
		for (size_t i = 0; i < got; i++)
			EQ(ramp(total + i), pcm[i]);
		total += got;
	} while (got);
	EQ(n, total);
	mp_reader_close(r);
}

static void test_a_sink_records_and_appends(void)
{
	struct mp_fileio *f = start(NULL);
	struct mp_sink *s;

	unlink(path_of("rec.wav"));
	s = record(f, "rec.wav", MP_FILE_EXCL, RATE);
	for (size_t i = 0; i < 24000; i += 160)
		write_ramp(s, i, 160);
	mp_sink_finish(s);
	EQ(0, mp_sink_write(s, pcm, 160)); /* it is over */
	WAIT_FOR(mp_sink_state(s) == MP_SINK_DONE);
	check_file("rec.wav", 24000);
	EQ(0, mp_sink_overflow(s));
	mp_sink_close(s);
	s = record(f, "rec.wav", MP_FILE_APPEND, RATE);
	write_ramp(s, 24000, 8000);
	mp_sink_close(s); /* completes the file as well */
	WAIT_FOR(stats_of(f).sinks_live == 0);
	check_file("rec.wav", 32000);
	mp_fileio_close(f);
}

static void test_a_sink_converts_the_rate(void)
{
	static int16_t in[48000], out[8001];
	struct mp_fileio *f = start(NULL);
	struct mp_sink *s = record(f, "conv.sln", MP_FILE_TRUNC, 48000);
	struct mp_reader *r;
	size_t total = 0, got;

	audio_sine(in, 48000, 0, 1000, 8000, 48000);
	EQ(48000, mp_sink_write(s, in, 48000));
	mp_sink_finish(s);
	WAIT_FOR(mp_sink_state(s) == MP_SINK_DONE);
	mp_sink_close(s);
	OK(mp_reader_open(&r, path_of("conv.sln"), NULL));
	EQ(8000, mp_reader_samples(r));
	do {
		OK(mp_reader_read(r, out + total, 8001 - total, &got));
		total += got;
	} while (got);
	mp_reader_close(r);
	NEAR(8000, audio_goertzel(out + 2000, 4000, 1000, 8000), 80);
	mp_fileio_close(f);
}

static void test_sink_errors(void)
{
	struct mp_fileio *f = start(NULL);
	struct mp_sink *s;

	make_file("there.wav", 800);
	s = record(f, "there.wav", MP_FILE_EXCL, RATE);
	WAIT_FOR(mp_sink_state(s) == MP_SINK_ERROR);
	EQ(EEXIST, mp_sink_error(s));
	EQ(0, mp_sink_write(s, pcm, 160));
	mp_sink_finish(s);
	mp_sink_close(s);
	check_file("there.wav", 800);
	s = record(f, "no/dir.wav", MP_FILE_TRUNC, RATE);
	WAIT_FOR(mp_sink_state(s) == MP_SINK_ERROR);
	EQ(ENOENT, mp_sink_error(s));
	mp_sink_close(s);
	ERR(ENOTSUP, mp_sink_open(&s, f, path_of("a.mp3"), NULL, MP_FILE_TRUNC, RATE));
	CHECK(!s);
	ERR(EINVAL, mp_sink_open(&s, f, path_of("a.wav"), NULL, 0, RATE));
	ERR(EINVAL, mp_sink_open(&s, f, path_of("a.wav"), NULL, MP_FILE_TRUNC, 0));
	mp_fileio_close(f);
}

/* RLIMIT_FSIZE stands for a full disk: the same path, another errno. */
static void test_a_full_disk_is_told_and_leaves_a_valid_file(void)
{
	struct mp_fileio *f = start(NULL);
	struct rlimit old, small;
	struct mp_sink *s;

	signal(SIGXFSZ, SIG_IGN);
	OK(getrlimit(RLIMIT_FSIZE, &old));
	small = old;
	small.rlim_cur = 20044;
	OK(setrlimit(RLIMIT_FSIZE, &small));
	s = record(f, "full.wav", MP_FILE_TRUNC, RATE);
	write_ramp(s, 0, 16000);
	mp_sink_finish(s);
	WAIT_FOR(mp_sink_state(s) == MP_SINK_ERROR);
	EQ(EFBIG, mp_sink_error(s));
	mp_sink_close(s);
	OK(setrlimit(RLIMIT_FSIZE, &old));
	check_file("full.wav", 10000);
	mp_fileio_close(f);
}

static void test_what_does_not_fit_is_counted(void)
{
	const struct mp_fileio_conf conf = {.write_behind_ms = 200};
	struct mp_fileio *f = start(&conf);
	struct mp_sink *s = record(f, "over.wav", MP_FILE_TRUNC, RATE);
	const size_t fit = mp_sink_write(s, pcm, LONG);

	CHECK(fit >= RATE / 5 && fit < RATE);
	EQ(LONG - fit, mp_sink_overflow(s));
	EQ(LONG - fit, stats_of(f).overflow_samples);
	mp_sink_finish(s);
	WAIT_FOR(mp_sink_state(s) == MP_SINK_DONE);
	mp_sink_close(s);
	mp_fileio_close(f);
}

/* kill -9: all but the last second is on disk, behind a valid header. */
static void test_a_killed_process_leaves_its_recording(void)
{
	int ready[2], status;
	pid_t pid;
	char c = 'x';

	unlink(path_of("killed.wav"));
	OK(pipe(ready));
	pid = fork();
	if (pid == 0) {
		struct mp_fileio *f = start(NULL);
		struct mp_sink *s = record(f, "killed.wav", MP_FILE_EXCL, RATE);
		struct stat st = {0};

		write_ramp(s, 0, 8000);
		WAIT_FOR(stat(path_of("killed.wav"), &st) == 0 && st.st_size == 16044);
		write_ramp(s, 8000, 4000);
		if (write(ready[1], &c, 1) == 1)
			pause();
		_exit(1);
	}
	close(ready[1]);
	EQ(1, read(ready[0], &c, 1));
	OK(kill(pid, SIGKILL));
	EQ(pid, waitpid(pid, &status, 0));
	close(ready[0]);
	check_file("killed.wav", 8000);
}

/* -- life and death ----------------------------------------------------------------------------- */

static void test_closing_in_any_state(void)
{
	struct mp_fileio *f = start(NULL);

	make_file("short.wav", SHORT);
	make_file("long.wav", LONG);
	for (int i = 0; i < 300; i++) {
		struct mp_source *s;
		struct mp_sink *k;

		OK(mp_source_open(&s, f, path_of(i % 2 ? "short.wav" : "long.wav"), NULL, 0, 0));
		if (i % 3 == 0)
			mp_source_seek(s, 500);
		if (i % 5 == 0)
			WAIT_FOR(mp_source_state(s) != MP_SOURCE_OPENING);
		mp_source_close(s);
		if (i % 10)
			continue;
		k = record(f, "any.wav", MP_FILE_TRUNC, RATE);
		write_ramp(k, 0, 160);
		if (i % 20)
			mp_sink_finish(k);
		mp_sink_close(k);
	}
	WAIT_FOR(stats_of(f).sources_live == 0 && stats_of(f).sinks_live == 0);
	mp_fileio_close(f);
}

static void test_the_end_closes_what_is_open(void)
{
	struct mp_fileio *f = start(NULL);
	struct mp_source *s;
	struct mp_sink *k;

	make_file("short.wav", SHORT);
	OK(mp_source_open(&s, f, path_of("short.wav"), NULL, 0, 0));
	play(f, "long.wav", 0, 0);
	k = record(f, "end.wav", MP_FILE_TRUNC, RATE);
	write_ramp(k, 0, 4000);
	mp_fileio_close(f);
	check_file("end.wav", 4000);
	mp_fileio_close(NULL);
}

static void test_configuration_is_checked(void)
{
	const struct mp_fileio_conf many = {.threads = 9}, thin = {.read_ahead_ms = 1};
	struct mp_fileio *f;

	ERR(EINVAL, mp_fileio_open(&f, &many));
	CHECK(!f);
	ERR(EINVAL, mp_fileio_open(&f, &thin));
	ERR(EINVAL, mp_fileio_open(NULL, NULL));
}

/* A worker: plays, seeks at random, records, gives sources up at random moments. */
static void *work(void *arg)
{
	struct mp_fileio *f = arg;
	uint32_t seed = (uint32_t)(uintptr_t)&seed;
	int16_t frame[160];

	for (int i = 0; i < 40; i++) {
		const char *name = audio_random(&seed) % 2 ? "short.wav" : "long.wav";
		struct mp_source *s;

		if (mp_source_open(&s, f, path_of(name), NULL, 0, audio_random(&seed) % 1500))
			abort();
		for (int j = 0; j < 60; j++) {
			const uint64_t at = mp_source_position_ms(s) * 8;
			const size_t got = mp_source_read(s, frame, 160);

			if (got && frame[0] != ramp(at))
				abort();
			if (audio_random(&seed) % 10 == 0)
				mp_source_seek(s, audio_random(&seed) % 2500);
			if (audio_random(&seed) % 50 == 0)
				pause_1ms();
		}
		mp_source_close(s);
	}
	return NULL;
}

static void *work_recording(void *arg)
{
	struct mp_fileio *f = arg;
	int16_t frame[160] = {0};

	for (int i = 0; i < 20; i++) {
		struct mp_sink *s;

		if (mp_sink_open(&s, f, path_of("race.wav"), NULL, MP_FILE_TRUNC, RATE))
			abort();
		for (int j = 0; j < 200; j++)
			mp_sink_write(s, frame, 160);
		if (i % 2)
			mp_sink_finish(s);
		mp_sink_close(s);
	}
	return NULL;
}

static void test_workers_and_io_threads_do_not_race(void)
{
	struct mp_fileio *f = start(NULL);
	pthread_t id[4];

	make_file("short.wav", SHORT);
	make_file("long.wav", LONG);
	for (int i = 0; i < 4; i++)
		OK(pthread_create(&id[i], NULL, i ? work : work_recording, f));
	for (int i = 0; i < 4; i++)
		OK(pthread_join(id[i], NULL));
	WAIT_FOR(stats_of(f).sources_live == 0 && stats_of(f).sinks_live == 0);
	mp_fileio_close(f);
}

static struct mp_fileio *limited;

static int play_limited(void)
{
	struct mp_source *s;
	int err = mp_source_open(&s, limited, path_of("long.wav"), "wav", 16000, 0);

	if (!err) {
		WAIT_FOR(mp_source_state(s) != MP_SOURCE_OPENING);
		err = mp_source_error(s);
		mp_source_close(s);
	}
	return err;
}

static int play_short_limited(void)
{
	struct mp_source *s;
	int err = mp_source_open(&s, limited, path_of("short.wav"), "wav", 8000, 0);

	if (!err) {
		WAIT_FOR(mp_source_state(s) != MP_SOURCE_OPENING);
		err = mp_source_error(s);
		mp_source_close(s);
	}
	return err;
}

static int record_limited(void)
{
	struct mp_sink *s;
	int err = mp_sink_open(&s, limited, path_of("mem.gsm"), "gsm", MP_FILE_TRUNC, 16000);

	if (!err) {
		mp_sink_finish(s);
		WAIT_FOR(mp_sink_state(s) == MP_SINK_DONE || mp_sink_state(s) == MP_SINK_ERROR);
		err = mp_sink_error(s);
		mp_sink_close(s);
	}
	return err;
}

static void test_memory_limits(void)
{
	const struct mp_fileio_conf conf = {.threads = 1};

	make_file("short.wav", SHORT);
	make_file("long.wav", LONG);
	limited = start(&conf);
	WITH_MEMORY_LIMITS(play_limited());
	WITH_MEMORY_LIMITS(play_short_limited());
	WITH_MEMORY_LIMITS(record_limited());
	WAIT_FOR(stats_of(limited).sources_live == 0 && stats_of(limited).sinks_live == 0);
	mp_fileio_close(limited);
}

static void remove_dir(void)
{
	char command[100];

	snprintf(command, sizeof(command), "rm -rf %s", dir);
	if (system(command))
		perror(command);
}

int main(int argc, char **argv)
{
	check_filter = argc > 1 ? argv[1] : NULL;
	snprintf(dir, sizeof(dir), "/tmp/test_fileio.XXXXXX");
	CHECK(mkdtemp(dir));
	RUN(test_a_killed_process_leaves_its_recording); /* forks: before there are threads */
	atexit(remove_dir);
	RUN(test_a_short_sound_is_played_whole);
	RUN(test_a_long_file_is_streamed_whole);
	RUN(test_seek_and_restart);
	RUN(test_players_share_a_decoded_sound);
	RUN(test_a_replaced_file_is_decoded_anew);
	RUN(test_the_cache_is_bounded);
	RUN(test_a_sound_larger_than_the_cache_is_played);
	RUN(test_source_errors);
	RUN(test_sources_are_resampled);
	RUN(test_a_long_file_is_resampled_to_its_exact_length);
	RUN(test_starving_is_counted_and_loses_nothing);
	RUN(test_a_sink_records_and_appends);
	RUN(test_a_sink_converts_the_rate);
	RUN(test_sink_errors);
	RUN(test_a_full_disk_is_told_and_leaves_a_valid_file);
	RUN(test_what_does_not_fit_is_counted);
	RUN(test_closing_in_any_state);
	RUN(test_the_end_closes_what_is_open);
	RUN(test_configuration_is_checked);
	RUN(test_workers_and_io_threads_do_not_race);
	RUN(test_memory_limits);
	return check_result();
}
