/*
 * RIFF parser and reader. Invariant: any bytes give a description that lies within the file, or ENOTSUP
 * or EBADMSG; a file that opens can be read to its end, from any place, in as many samples as it says.
 *
 * clang -fsanitize=fuzzer,address,undefined -Iserver/media/core tests/fuzz/fuzz_wav.c
 *	server/media/core/file{,_*}.c server/media/core/codec*.c -lgsm
 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define REQUIRE(cond)            \
	do {                     \
		if (!(cond))     \
			abort(); \
	} while (0)

static void check_parser(const uint8_t *data, size_t size)
{
	struct mp_wav_info info;
	const int err = mp_wav_parse(&info, data, size, size);

	REQUIRE(err == 0 || err == ENOTSUP || err == EBADMSG);
	if (err)
		return;
	REQUIRE(info.data_start >= 20 && info.data_start + info.data_len <= size);
	REQUIRE(info.fact_at < info.data_start);
	REQUIRE(info.channels == 1 || info.channels == 2);
	REQUIRE(info.rate >= 4000 && info.rate <= 192000);
}

static uint64_t read_all(struct mp_reader *r)
{
	int16_t pcm[1000];
	uint64_t total = 0;
	size_t got = 1;

	while (got && mp_reader_read(r, pcm, 1000, &got) == 0)
		total += got;
	return got ? UINT64_MAX : total; /* GSM frames may be bad: EBADMSG */
}

static void check_reader(const char *path)
{
	struct mp_reader *r;
	const int err = mp_reader_open(&r, path, "wav");
	uint64_t n;

	REQUIRE(err == 0 || err == ENOTSUP || err == EBADMSG);
	if (err)
		return;
	n = read_all(r);
	REQUIRE(n == UINT64_MAX || n == mp_reader_samples(r));
	REQUIRE(mp_reader_seek_ms(r, mp_reader_duration_ms(r) / 2) == 0);
	read_all(r);
	mp_reader_close(r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const int fd = memfd_create("fuzz", 0);
	char path[64];

	check_parser(data, size);
	REQUIRE(fd >= 0 && write(fd, data, size) == (ssize_t)size);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	check_reader(path);
	close(fd);
	return 0;
}
