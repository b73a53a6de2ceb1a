/* Sound files: round trips, append, seek, lying headers, full disks, a writer that is killed. */
#include "check.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "alloc.h"
#include "audio.h"
#include "file.h"

enum { MAX = 48000 * 4 };

static char dir[64];
static int16_t in[MAX], out[MAX];

static const char *path_of(const char *name)
{
	static char paths[4][256];
	static int turn;
	char *p = paths[turn++ % 4];

	snprintf(p, sizeof(paths[0]), "%s/%s", dir, name);
	return p;
}

static void make_signal(size_t n, uint32_t rate)
{
	memset(in, 0, sizeof(in));
	audio_sine(in, n, 0, 440, 8000, rate);
	audio_sine(in, n, 0, 1210, 4000, rate);
}

static void write_all(const char *path, const char *format, unsigned flags, size_t n)
{
	struct mp_writer *w;

	OK(mp_writer_open(&w, path, format, flags));
	for (size_t i = 0; i < n; i += 160)
		OK(mp_writer_write(w, in + i, n - i < 160 ? n - i : 160));
	OK(mp_writer_close(w));
}

static size_t read_rest(struct mp_reader *r)
{
	size_t total = 0, got;

	do {
		OK(mp_reader_read(r, out + total, MAX - total, &got));
		total += got;
	} while (got && total < MAX);
	return total;
}

static size_t read_all(const char *path, const char *format)
{
	struct mp_reader *r;
	size_t n;

	OK(mp_reader_open(&r, path, format));
	n = read_rest(r);
	EQ(mp_reader_samples(r), n);
	mp_reader_close(r);
	return n;
}

static const struct {
	const char *format, *name;
	uint32_t rate;
	size_t block;
	double snr; /* least signal to noise of a round trip, dB */
} cases[] = {
        {"wav", "a.wav", 8000, 1, 200},      {"wav16", "a.wav16", 16000, 1, 200},
        {"wav49", "a.WAV", 8000, 320, 5},    {"gsm", "a.gsm", 8000, 160, 5},
        {"ulaw", "a.ulaw", 8000, 1, 33},     {"alaw", "a.alaw", 8000, 1, 33},
        {"sln", "a.sln", 8000, 1, 200},      {"sln16", "a.sln16", 16000, 1, 200},
        {"sln48", "a.sln48", 48000, 1, 200},
};

#define EACH_FORMAT(i) for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)

static size_t whole_blocks(size_t n, size_t block)
{
	return (n + block - 1) / block * block;
}

static void test_what_is_written_is_read(void)
{
	EACH_FORMAT(i)
	{
		const size_t n = cases[i].rate + 7;
		const char *path = path_of(cases[i].name);

		STREQ(cases[i].format, mp_file_format(path));
		EQ(cases[i].rate, mp_file_rate(cases[i].format));
		make_signal(n, cases[i].rate);
		write_all(path, NULL, MP_FILE_TRUNC, n);
		EQ(whole_blocks(n, cases[i].block), read_all(path, cases[i].format));
		CHECK(audio_snr(in, out, n) > cases[i].snr);
		NEAR(8000, audio_goertzel(out, n, 440, cases[i].rate), 800);
	}
}

static void test_append_goes_on_where_the_file_ends(void)
{
	EACH_FORMAT(i)
	{
		const size_t half = 9600; /* a multiple of every block */
		const char *path = path_of(cases[i].name);
		struct mp_writer *w;

		make_signal(2 * half, cases[i].rate);
		unlink(path);
		write_all(path, cases[i].format, MP_FILE_APPEND, half); /* creates */
		OK(mp_writer_open(&w, path, cases[i].format, MP_FILE_APPEND));
		EQ(half, mp_writer_samples(w));
		OK(mp_writer_write(w, in + half, half));
		EQ(2 * half, mp_writer_samples(w));
		OK(mp_writer_close(w));
		EQ(2 * half, read_all(path, cases[i].format));
		CHECK(audio_snr(in, out, 2 * half) > cases[i].snr);
	}
}

static void test_append_repairs_an_incomplete_block(void)
{
	make_signal(8000, 8000);
	EACH_FORMAT(i)
	{
		const char *path = path_of(cases[i].name);
		struct stat st;

		write_all(path, cases[i].format, MP_FILE_TRUNC, 3200);
		OK(stat(path, &st));
		OK(truncate(path, st.st_size - 1));
		write_all(path, cases[i].format, MP_FILE_APPEND, 3200);
		CHECK(read_all(path, cases[i].format) >= 6400 - cases[i].block);
	}
}

static void test_append_refuses_another_coding(void)
{
	struct mp_writer *w;
	int fd;

	write_all(path_of("x.wav"), "wav16", MP_FILE_TRUNC, 800);
	ERR(EBADMSG, mp_writer_open(&w, path_of("x.wav"), "wav", MP_FILE_APPEND));
	CHECK(!w);
	fd = open(path_of("y.wav"), O_CREAT | O_WRONLY | O_TRUNC, 0600);
	EQ(7, write(fd, "not wav", 7));
	close(fd);
	ERR(EBADMSG, mp_writer_open(&w, path_of("y.wav"), "wav", MP_FILE_APPEND));
}

static void test_flags(void)
{
	struct mp_writer *w;

	make_signal(1600, 8000);
	write_all(path_of("f.wav"), "wav", MP_FILE_TRUNC, 1600);
	ERR(EEXIST, mp_writer_open(&w, path_of("f.wav"), "wav", MP_FILE_EXCL));
	EQ(1600, read_all(path_of("f.wav"), "wav")); /* and nothing was harmed */
	write_all(path_of("f.wav"), "wav", MP_FILE_TRUNC, 800);
	EQ(800, read_all(path_of("f.wav"), "wav"));
	ERR(EINVAL, mp_writer_open(&w, path_of("f.wav"), "wav", 0));
	ERR(EINVAL, mp_writer_open(&w, path_of("f.wav"), "wav", MP_FILE_EXCL | MP_FILE_TRUNC));
	ERR(ENOTSUP, mp_writer_open(&w, path_of("f.mp3"), NULL, MP_FILE_TRUNC));
	ERR(ENOTSUP, mp_writer_open(&w, path_of("f.wav"), "mp3", MP_FILE_TRUNC));
	ERR(ENOENT, mp_writer_open(&w, path_of("no/such/dir.wav"), "wav", MP_FILE_TRUNC));
}

static void test_seek_is_sample_exact(void)
{
	EACH_FORMAT(i)
	{
		const size_t n = 2 * cases[i].rate;
		const size_t at = 777 * cases[i].rate / 1000;
		struct mp_reader *r;
		size_t rest;

		make_signal(n, cases[i].rate);
		write_all(path_of(cases[i].name), cases[i].format, MP_FILE_TRUNC, n);
		OK(mp_reader_open(&r, path_of(cases[i].name), cases[i].format));
		EQ(2000, mp_reader_duration_ms(r) / 10 * 10);
		read_rest(r);
		OK(mp_reader_seek_ms(r, 777)); /* backwards, after the end */
		rest = read_rest(r);
		EQ(mp_reader_samples(r) - at, rest);
		CHECK(audio_snr(in + at + 640, out + 640, n - at - 640) > cases[i].snr - 1);
		OK(mp_reader_seek_ms(r, 0));
		EQ(mp_reader_samples(r), read_rest(r));
		OK(mp_reader_seek_ms(r, UINT64_MAX));
		EQ(0, read_rest(r));
		mp_reader_close(r);
	}
}

static void test_missing_and_unreadable_files(void)
{
	struct mp_reader *r;
	int fd;

	ERR(ENOENT, mp_reader_open(&r, path_of("none.wav"), NULL));
	CHECK(!r);
	ERR(ENOTSUP, mp_reader_open(&r, path_of("none.mp3"), NULL));
	ERR(ENOTSUP, mp_reader_open(&r, path_of("none"), NULL));
	ERR(EINVAL, mp_reader_open(&r, NULL, "wav"));
	ERR(EISDIR, mp_reader_open(&r, dir, "wav"));
	OK(mkfifo(path_of("fifo"), 0600));
	ERR(ENOTSUP, mp_reader_open(&r, path_of("fifo"), "sln"));
	fd = open(path_of("e.wav"), O_CREAT | O_WRONLY, 0600);
	close(fd);
	ERR(EBADMSG, mp_reader_open(&r, path_of("e.wav"), NULL));
	OK(rename(path_of("e.wav"), path_of("e.sln")));
	EQ(0, read_all(path_of("e.sln"), NULL)); /* raw and empty: silence of no length */
	write_all(path_of("w.wav"), "wav", MP_FILE_TRUNC, 800);
	ERR(EBADMSG, mp_reader_open(&r, path_of("w.wav"), "gsm"));
}

static void poke32(const char *path, long at, uint32_t v)
{
	const uint8_t b[4] = {(uint8_t)v, (uint8_t)(v >> 8), (uint8_t)(v >> 16), (uint8_t)(v >> 24)};
	const int fd = open(path, O_WRONLY);

	EQ(4, pwrite(fd, b, 4, at));
	close(fd);
}

static uint32_t peek32(const char *path, long at)
{
	uint8_t b[4];
	const int fd = open(path, O_RDONLY);

	EQ(4, pread(fd, b, 4, at));
	close(fd);
	return (uint32_t)b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
}

static void test_wav_sizes_that_lie_are_corrected(void)
{
	const char *path = path_of("lie.wav");
	const uint32_t lies[] = {0, 100, 3198, 3202, 0x7fffffff, 0xffffffff};

	make_signal(1600, 8000);
	write_all(path, "wav", MP_FILE_TRUNC, 1600);
	EQ(3200, peek32(path, 40));
	EQ(3236, peek32(path, 4));
	for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		poke32(path, 40, lies[i]);
		EQ(1600, read_all(path, NULL));
		CHECK(memcmp(in, out, 3200) == 0);
	}
}

static void test_wav_chunks_behind_the_audio_are_not_played(void)
{
	const char *path = path_of("tag.wav");
	const uint8_t tag[] = "LIST\x06\0\0\0INFOxyJUNK\x01\0\0\0z"; /* last pad byte is the NUL */
	int fd;

	make_signal(1600, 8000);
	write_all(path, "wav", MP_FILE_TRUNC, 1600);
	fd = open(path, O_WRONLY | O_APPEND);
	EQ(sizeof(tag), write(fd, tag, sizeof(tag)));
	close(fd);
	EQ(1600, read_all(path, NULL));
	write_all(path, "wav", MP_FILE_APPEND, 800);
	EQ(2400, read_all(path, NULL));
}

/* Build a RIFF head by hand; returns what mp_wav_parse says. */
static int parse(struct mp_wav_info *info, uint16_t tag, uint16_t channels, uint32_t rate, uint16_t bits)
{
	uint8_t b[44] = "RIFF....WAVEfmt \x10\0\0\0";

	b[20] = (uint8_t)tag, b[21] = (uint8_t)(tag >> 8);
	b[22] = (uint8_t)channels;
	for (int i = 0; i < 4; i++)
		b[24 + i] = (uint8_t)(rate >> (8 * i));
	b[34] = (uint8_t)bits;
	memcpy(b + 36, "data\xff\xff\xff\xff", 8);
	return mp_wav_parse(info, b, sizeof(b), 1044);
}

static void test_wav_parse_names_what_it_refuses(void)
{
	struct mp_wav_info info;

	OK(parse(&info, 1, 1, 8000, 16));
	EQ(44, info.data_start);
	EQ(1000, info.data_len);
	OK(parse(&info, 7, 2, 44100, 8));
	ERR(ENOTSUP, parse(&info, 1, 1, 8000, 24));
	ERR(ENOTSUP, parse(&info, 1, 3, 8000, 16));
	ERR(ENOTSUP, parse(&info, 0x31, 2, 8000, 0));
	ERR(ENOTSUP, parse(&info, 0x55, 1, 8000, 16));
	ERR(ENOTSUP, parse(&info, 1, 1, 384000, 16));
	ERR(EBADMSG, parse(&info, 1, 0, 8000, 16));
	ERR(EBADMSG, parse(&info, 1, 1, 0, 16));
	ERR(EBADMSG, parse(&info, 0xfffe, 1, 8000, 16)); /* extensible, but too short to say more */
	ERR(EBADMSG, mp_wav_parse(&info, (const uint8_t *)"RIFF", 4, 4));
	ERR(EBADMSG, mp_wav_parse(&info, (const uint8_t *)"RIFFxxxxWAVEdata\0\0\0\0", 20, 20));
	ERR(EBADMSG, mp_wav_parse(&info, NULL, 0, 0));
	ERR(EINVAL, mp_wav_parse(NULL, NULL, 0, 0));
}

static void test_stereo_is_averaged(void)
{
	const char *path = path_of("st.wav");
	struct mp_reader *r;
	size_t got;

	for (size_t i = 0; i < 1600; i++)
		in[i] = i % 2 ? 3000 : 1000;
	write_all(path, "wav", MP_FILE_TRUNC, 1600);
	poke32(path, 22, 2 | (8000u << 16)); /* channels, and the low half of the rate */
	OK(mp_reader_open(&r, path, NULL));
	EQ(800, mp_reader_samples(r));
	OK(mp_reader_read(r, out, MAX, &got));
	EQ(800, got);
	EQ(2000, out[0]);
	EQ(2000, out[799]);
	mp_reader_close(r);
}

/* The header is valid at each flush, and what was written since is found by the reader. */
static void test_a_killed_writer_leaves_a_readable_file(void)
{
	make_signal(16000, 8000);
	EACH_FORMAT(i)
	{
		const char *path = path_of(cases[i].name);
		int ready[2], status;
		pid_t pid;
		char c;

		unlink(path);
		OK(pipe(ready));
		pid = fork();
		if (pid == 0) {
			struct mp_writer *w;

			if (mp_writer_open(&w, path, cases[i].format, MP_FILE_EXCL) ||
			    mp_writer_write(w, in, 8000) || mp_writer_flush(w) ||
			    mp_writer_write(w, in + 8000, 5000))
				_exit(1);
			c = 'x';
			if (write(ready[1], &c, 1) == 1)
				pause();
			_exit(1);
		}
		close(ready[1]);
		EQ(1, read(ready[0], &c, 1));
		OK(kill(pid, SIGKILL));
		EQ(pid, waitpid(pid, &status, 0));
		close(ready[0]);
		CHECK(read_all(path, cases[i].format) >= 8000 - 8000 % cases[i].block);
		CHECK(audio_snr(in, out, 7680) > cases[i].snr);
		write_all(path, cases[i].format, MP_FILE_APPEND, 160);
	}
}

/* RLIMIT_FSIZE stands for a full disk: the same path, another errno. */
static void test_a_disk_that_fills_up_is_told_and_leaves_a_valid_file(void)
{
	const char *path = path_of("full.wav");
	struct rlimit old, small;
	struct mp_writer *w;
	int err = 0;

	signal(SIGXFSZ, SIG_IGN);
	OK(getrlimit(RLIMIT_FSIZE, &old));
	small = old;
	small.rlim_cur = 20001;
	OK(setrlimit(RLIMIT_FSIZE, &small));
	make_signal(8192, 8000);
	OK(mp_writer_open(&w, path, "wav", MP_FILE_TRUNC));
	for (int i = 0; i < 10 && !err; i++)
		err = mp_writer_write(w, in, 8192);
	EQ(EFBIG, err);
	ERR(EFBIG, mp_writer_write(w, in, 1)); /* it stays so */
	ERR(EFBIG, mp_writer_flush(w));
	ERR(EFBIG, mp_writer_close(w));
	OK(setrlimit(RLIMIT_FSIZE, &old));
	EQ((20001 - 44) / 2, read_all(path, NULL));
	EQ((20001 - 44) / 2 * 2, peek32(path, 40));
	CHECK(memcmp(in, out, 16384) == 0);
}

static void test_devices_are_refused(void)
{
	struct mp_writer *w;

	ERR(ENOTSUP, mp_writer_open(&w, "/dev/full", "sln", MP_FILE_TRUNC));
}

static int open_both(void)
{
	struct mp_writer *w = NULL;
	struct mp_reader *r = NULL;
	int err = mp_writer_open(&w, path_of("mem.WAV"), NULL, MP_FILE_TRUNC);

	if (!err)
		err = mp_writer_close(w);
	if (!err)
		err = mp_reader_open(&r, path_of("mem.WAV"), NULL);
	if (!err)
		err = mp_reader_seek_ms(r, 1);
	mp_reader_close(r);
	return err;
}

static void test_memory_limits(void)
{
	WITH_MEMORY_LIMITS(open_both());
}

static void test_format_names(void)
{
	STREQ("wav49", mp_file_format("/x/y.WAV"));
	STREQ("wav", mp_file_format("y.wav"));
	STREQ("ulaw", mp_file_format("/x.gsm/y.pcm"));
	CHECK(!mp_file_format("/x.gsm/y"));
	CHECK(!mp_file_format("y."));
	CHECK(!mp_file_format("y.ul mu"));
	CHECK(!mp_file_format("y.wa"));
	CHECK(!mp_file_format(NULL));
	EQ(0, mp_file_rate("mp3"));
	EQ(0, mp_file_rate(NULL));
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
	snprintf(dir, sizeof(dir), "/tmp/test_file.XXXXXX");
	CHECK(mkdtemp(dir));
	atexit(remove_dir);
	RUN(test_what_is_written_is_read);
	RUN(test_append_goes_on_where_the_file_ends);
	RUN(test_append_repairs_an_incomplete_block);
	RUN(test_append_refuses_another_coding);
	RUN(test_flags);
	RUN(test_seek_is_sample_exact);
	RUN(test_missing_and_unreadable_files);
	RUN(test_wav_sizes_that_lie_are_corrected);
	RUN(test_wav_chunks_behind_the_audio_are_not_played);
	RUN(test_wav_parse_names_what_it_refuses);
	RUN(test_stereo_is_averaged);
	RUN(test_a_killed_writer_leaves_a_readable_file);
	RUN(test_a_disk_that_fills_up_is_told_and_leaves_a_valid_file);
	RUN(test_devices_are_refused);
	RUN(test_memory_limits);
	RUN(test_format_names);
	return check_result();
}
