/* Reading: blocks are decoded in steps into a buffer, and given out from there. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "file.h"
#include "file_coding.h"

enum {
	BUF_BYTES = 16384, /* one read; RIFF headers must fit (editors put kilobytes before the audio) */
	PCM_SAMPLES = 4096 /* one decoding step */
};

struct mp_reader {
	int fd;
	const struct mp_coding *coding;
	void *state;
	uint32_t rate;
	uint16_t channels;
	uint64_t start;    /* file offset of the audio */
	uint64_t blocks;   /* in all, per channel */
	uint64_t next;     /* block to read next */
	size_t skip;       /* samples of it to leave out, after a seek */
	size_t have, used; /* decoded samples in pcm, and given out of them */
	int16_t pcm[PCM_SAMPLES];
	uint8_t buf[BUF_BYTES];
};

static size_t frame_bytes(const struct mp_reader *r)
{
	return (size_t)r->coding->block_bytes * r->channels;
}

static int start_riff(struct mp_reader *r, uint64_t file_len)
{
	struct mp_wav_info info;
	size_t got;
	int err = mp_file_pread(r->fd, r->buf, sizeof(r->buf), 0, &got);

	if (!err)
		err = mp_wav_parse(&info, r->buf, got, file_len);
	if (err)
		return err;
	r->coding = mp_wav_coding(&info);
	r->rate = info.rate;
	r->channels = info.channels;
	r->start = info.data_start;
	r->blocks = mp_wav_true_len(&info, r->fd, file_len) / frame_bytes(r);
	return 0;
}

static int start_raw(struct mp_reader *r, const struct mp_format *f, uint64_t file_len)
{
	uint8_t first;
	size_t got;
	int err = 0;

	r->coding = f->coding;
	r->rate = f->rate;
	r->channels = 1;
	r->blocks = file_len / r->coding->block_bytes;
	if (r->coding->magic && r->blocks) {
		err = mp_file_pread(r->fd, &first, 1, 0, &got);
		if (!err && (first & 0xf0) != r->coding->magic)
			err = EBADMSG;
	}
	return err;
}

int mp_reader_open(struct mp_reader **rp, const char *path, const char *format)
{
	const struct mp_format *f = mp_file_find(format ? format : mp_file_format(path));
	struct mp_reader *r;
	uint64_t file_len;
	int err;

	if (!rp)
		return EINVAL;
	*rp = NULL;
	if (!path)
		return EINVAL;
	if (!f)
		return ENOTSUP;
	r = calloc(1, sizeof(*r));
	if (!r)
		return ENOMEM;
	r->fd = -1;
	err = mp_file_open(&r->fd, path, O_RDONLY, &file_len);
	if (err)
		goto out;
	err = f->riff ? start_riff(r, file_len) : start_raw(r, f, file_len);
	if (!err)
		err = mp_coding_open(r->coding, &r->state);
out:
	if (err)
		mp_reader_close(r);
	else
		*rp = r;
	return err;
}

static void fold_stereo(int16_t *pcm, size_t frames)
{
	for (size_t i = 0; i < frames; i++)
		pcm[i] = (int16_t)((pcm[2 * i] + pcm[2 * i + 1]) / 2);
}

/* Decode the next step into r->pcm. At the end r->have stays 0. */
static int fill(struct mp_reader *r)
{
	const size_t step = PCM_SAMPLES / r->coding->block_samples / r->channels;
	const uint64_t left = r->blocks - r->next;
	size_t blocks = left < step ? (size_t)left : step;
	size_t got;
	int err;

	r->have = r->used = 0;
	err = mp_file_pread(r->fd, r->buf, blocks * frame_bytes(r), r->start + r->next * frame_bytes(r),
	                    &got);
	if (err)
		return err;
	if (got < blocks * frame_bytes(r)) { /* the file was cut while we read it */
		blocks = got / frame_bytes(r);
		r->blocks = r->next + blocks;
	}
	err = r->coding->decode(r->state, r->buf, blocks * r->channels, r->pcm);
	if (err)
		return err;
	if (r->channels == 2)
		fold_stereo(r->pcm, blocks);
	r->next += blocks;
	r->have = blocks * r->coding->block_samples;
	r->used = r->skip < r->have ? r->skip : r->have;
	r->skip = 0;
	return 0;
}

int mp_reader_read(struct mp_reader *r, int16_t *pcm, size_t max, size_t *got)
{
	int err = 0;

	if (!r || !pcm || !got)
		return EINVAL;
	*got = 0;
	if (r->used == r->have)
		err = fill(r);
	if (!err) {
		const size_t left = r->have - r->used;

		*got = left < max ? left : max;
		memcpy(pcm, r->pcm + r->used, *got * sizeof(*pcm));
		r->used += *got;
	}
	return err;
}

int mp_reader_seek_ms(struct mp_reader *r, uint64_t ms)
{
	void *state = NULL;
	int err;

	if (!r)
		return EINVAL;
	err = mp_coding_open(r->coding, &state); /* a decoder's memory belongs to the old place */
	if (err)
		return err;
	mp_coding_close(r->coding, r->state);
	r->state = state;
	r->have = r->used = 0;
	r->skip = 0;
	r->next = r->blocks;
	if (ms < mp_reader_duration_ms(r)) {
		const uint64_t sample = ms * r->rate / 1000;

		r->next = sample / r->coding->block_samples;
		r->skip = (size_t)(sample % r->coding->block_samples);
	}
	return 0;
}

uint32_t mp_reader_rate(const struct mp_reader *r)
{
	return r ? r->rate : 0;
}

uint64_t mp_reader_samples(const struct mp_reader *r)
{
	return r ? r->blocks * r->coding->block_samples : 0;
}

uint64_t mp_reader_duration_ms(const struct mp_reader *r)
{
	return r ? mp_reader_samples(r) * 1000 / r->rate : 0;
}

void mp_reader_close(struct mp_reader *r)
{
	if (!r)
		return;
	mp_coding_close(r->coding, r->state);
	if (r->fd >= 0)
		close(r->fd);
	free(r);
}
