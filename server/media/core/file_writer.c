/* Writing: samples are gathered, encoded in whole blocks, and the header follows at each flush. */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "file.h"
#include "file_coding.h"

enum {
	PCM_SAMPLES = 4096, /* the buffer, 8 KB */
	HEAD_BYTES = 16384  /* where the audio of a RIFF file to append to must begin */
};

#define RIFF_MAX_DATA 0xfffff000u /* leaves room for the header within RIFF's 32 bits */

struct mp_writer {
	int fd;
	const struct mp_coding *coding;
	void *state;
	uint32_t rate;
	bool riff;
	int err;                /* the first error, which ends the writing */
	struct mp_wav_info wav; /* data_start and data_len are kept for every format */
	size_t fill;
	int16_t pcm[PCM_SAMPLES];
	uint8_t buf[HEAD_BYTES]; /* encoded audio; the head of a file */
};

static int start_new(struct mp_writer *w)
{
	uint8_t head[MP_WAV_HEAD_MAX];
	size_t put;

	if (!w->riff)
		return 0;
	return mp_file_pwrite(w->fd, head, mp_wav_head(head, &w->wav, w->coding, w->rate), 0, &put);
}

/* Find the end of the audio that is there. */
static int start_append(struct mp_writer *w, uint64_t file_len)
{
	size_t got;
	int err;

	w->wav.data_len = file_len;
	if (w->riff) {
		err = mp_file_pread(w->fd, w->buf, sizeof(w->buf), 0, &got);
		if (!err)
			err = mp_wav_parse(&w->wav, w->buf, got, file_len);
		if (err)
			return err == ENOTSUP ? EBADMSG : err;
		if (mp_wav_coding(&w->wav) != w->coding || w->wav.rate != w->rate || w->wav.channels != 1)
			return EBADMSG;
		w->wav.data_len = mp_wav_true_len(&w->wav, w->fd, file_len);
	}
	w->wav.data_len -= w->wav.data_len % w->coding->block_bytes;
	if (ftruncate(w->fd, (off_t)(w->wav.data_start + w->wav.data_len)))
		return errno;
	return w->riff ? mp_wav_update(&w->wav, w->coding, w->fd) : 0;
}

static int open_flags(unsigned flags)
{
	switch (flags) {
	case MP_FILE_EXCL:
		return O_RDWR | O_CREAT | O_EXCL;
	case MP_FILE_APPEND:
		return O_RDWR | O_CREAT;
	case MP_FILE_TRUNC:
		return O_RDWR | O_CREAT | O_TRUNC;
	default:
		return -1;
	}
}

static void free_writer(struct mp_writer *w)
{
	mp_coding_close(w->coding, w->state);
	if (w->fd >= 0)
		close(w->fd);
	free(w);
}

int mp_writer_open(struct mp_writer **wp, const char *path, const char *format, unsigned flags)
{
	const struct mp_format *f = mp_file_find(format ? format : mp_file_format(path));
	struct mp_writer *w;
	uint64_t file_len;
	int err;

	if (!wp)
		return EINVAL;
	*wp = NULL;
	if (!path || open_flags(flags) < 0)
		return EINVAL;
	if (!f)
		return ENOTSUP;
	w = calloc(1, sizeof(*w));
	if (!w)
		return ENOMEM;
	w->fd = -1;
	w->coding = f->coding;
	w->rate = f->rate;
	w->riff = f->riff;
	err = mp_coding_open(w->coding, &w->state);
	if (!err)
		err = mp_file_open(&w->fd, path, open_flags(flags), &file_len);
	if (err)
		goto out;
	err = file_len ? start_append(w, file_len) : start_new(w);
	if (err && flags == MP_FILE_EXCL)
		unlink(path); /* ours, and without even a header */
out:
	if (err)
		free_writer(w);
	else
		*wp = w;
	return err;
}

static int fail(struct mp_writer *w, int err)
{
	if (!w->err)
		w->err = err;
	return w->err;
}

/* Encode and write the whole blocks in w->pcm; what is left moves to its front. */
static int write_blocks(struct mp_writer *w)
{
	const struct mp_coding *c = w->coding;
	const size_t blocks = w->fill / c->block_samples;
	const size_t samples = blocks * c->block_samples;
	size_t put = 0;
	int err = 0;

	if (w->err || !blocks)
		return w->err;
	if (w->riff && w->wav.data_len + blocks * c->block_bytes > RIFF_MAX_DATA)
		err = EFBIG;
	if (!err)
		err = c->encode(w->state, w->pcm, blocks, w->buf);
	if (!err)
		err = mp_file_pwrite(w->fd, w->buf, blocks * c->block_bytes,
		                     w->wav.data_start + w->wav.data_len, &put);
	w->wav.data_len += put - put % c->block_bytes;
	w->fill -= samples;
	memmove(w->pcm, w->pcm + samples, w->fill * sizeof(*w->pcm));
	return err ? fail(w, err) : 0;
}

int mp_writer_write(struct mp_writer *w, const int16_t *pcm, size_t n)
{
	if (!w || (!pcm && n))
		return EINVAL;
	while (n && !w->err) {
		const size_t room = PCM_SAMPLES - w->fill;
		const size_t take = n < room ? n : room;

		memcpy(w->pcm + w->fill, pcm, take * sizeof(*pcm));
		w->fill += take;
		pcm += take;
		n -= take;
		if (w->fill == PCM_SAMPLES)
			write_blocks(w);
	}
	return w->err;
}

int mp_writer_flush(struct mp_writer *w)
{
	int err;

	if (!w)
		return EINVAL;
	write_blocks(w);
	/* even after an error: the header shall state what did reach the disk */
	err = w->riff ? mp_wav_update(&w->wav, w->coding, w->fd) : 0;
	return err ? fail(w, err) : w->err;
}

uint32_t mp_writer_rate(const struct mp_writer *w)
{
	return w ? w->rate : 0;
}

uint64_t mp_writer_samples(const struct mp_writer *w)
{
	if (!w)
		return 0;
	return w->wav.data_len / w->coding->block_bytes * w->coding->block_samples + w->fill;
}

int mp_writer_close(struct mp_writer *w)
{
	size_t rest;
	int err;

	if (!w)
		return 0;
	rest = w->fill % w->coding->block_samples;
	if (rest) {
		memset(w->pcm + w->fill, 0, (w->coding->block_samples - rest) * sizeof(*w->pcm));
		w->fill += w->coding->block_samples - rest;
	}
	err = mp_writer_flush(w);
	if (close(w->fd) && !err)
		err = errno;
	w->fd = -1;
	free_writer(w);
	return err;
}
