/*
 * RIFF/WAVE headers: parse, write, keep up to date.
 *
 * A writer that is killed leaves a header that states less than there is; copies cut short leave one
 * that states more. The file's size decides, unless what follows the stated audio is a proper chain of
 * chunks (tags put behind the audio by editors).
 */
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "file.h"
#include "file_coding.h"

enum {
	RIFF_HEAD = 12, /* "RIFF" size "WAVE" */
	CHUNK_HEAD = 8, /* id size */
	FMT_MIN = 16,
	FMT_EXTENSIBLE = 40,
	FMT_SUBFORMAT = 24, /* offset of the GUID, whose first two bytes are a WAVE_FORMAT_* */
	RATE_MIN = 4000,
	RATE_MAX = 192000,
	MAX_CHUNKS = 1000 /* behind the audio: more is not a chain but noise */
};

static uint16_t get16(const uint8_t *p)
{
	return (uint16_t)(p[0] | p[1] << 8);
}

static uint32_t get32(const uint8_t *p)
{
	return (uint32_t)get16(p) | (uint32_t)get16(p + 2) << 16;
}

static uint8_t *put16(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)v;
	p[1] = (uint8_t)(v >> 8);
	return p + 2;
}

static uint8_t *put32(uint8_t *p, uint32_t v)
{
	return put16(put16(p, v), v >> 16);
}

static uint8_t *put_id(uint8_t *p, const char *id)
{
	memcpy(p, id, 4);
	return p + 4;
}

static bool is_id(const uint8_t *p, const char *id)
{
	return memcmp(p, id, 4) == 0;
}

static int parse_fmt(struct mp_wav_info *info, const uint8_t *p, uint32_t len)
{
	if (len < FMT_MIN)
		return EBADMSG;
	info->coding = get16(p);
	info->channels = get16(p + 2);
	info->rate = get32(p + 4);
	info->bits = get16(p + 14);
	if (info->coding == MP_WAV_EXTENSIBLE) {
		if (len < FMT_EXTENSIBLE)
			return EBADMSG;
		info->coding = get16(p + FMT_SUBFORMAT);
	}
	if (!info->channels || !info->rate)
		return EBADMSG;
	return 0;
}

/* What we can't play is refused here, so that a reader never meets it. */
static int check_fmt(const struct mp_wav_info *info)
{
	const struct mp_coding *coding = mp_wav_coding(info);

	if (!coding || info->channels > 2 || info->rate < RATE_MIN || info->rate > RATE_MAX)
		return ENOTSUP;
	if (info->channels != 1 && coding->block_samples != 1)
		return ENOTSUP;
	return 0;
}

const struct mp_coding *mp_wav_coding(const struct mp_wav_info *info)
{
	switch (info->coding) {
	case MP_WAV_PCM:
		return info->bits == 16 ? &mp_coding_pcm16 : NULL;
	case MP_WAV_ALAW:
		return &mp_coding_alaw;
	case MP_WAV_ULAW:
		return &mp_coding_ulaw;
	case MP_WAV_GSM:
		return &mp_coding_gsm49;
	default:
		return NULL;
	}
}

int mp_wav_parse(struct mp_wav_info *info, const uint8_t *buf, size_t len, uint64_t file_len)
{
	bool have_fmt = false;
	uint64_t at = RIFF_HEAD;

	if (!info || (!buf && len))
		return EINVAL;
	memset(info, 0, sizeof(*info));
	if (len < RIFF_HEAD || !is_id(buf, "RIFF") || !is_id(buf + 8, "WAVE"))
		return EBADMSG;
	while (at + CHUNK_HEAD <= len) {
		const uint8_t *chunk = buf + at;
		const uint32_t size = get32(chunk + 4);

		at += CHUNK_HEAD;
		if (is_id(chunk, "data")) {
			const uint64_t there = file_len > at ? file_len - at : 0;

			if (!have_fmt)
				return EBADMSG;
			info->data_start = at;
			info->data_len = size < there ? size : there;
			return check_fmt(info);
		}
		if (is_id(chunk, "fmt ")) {
			const int err =
			        size <= len - at ? parse_fmt(info, chunk + CHUNK_HEAD, size) : EBADMSG;

			if (err)
				return err;
			have_fmt = true;
		} else if (is_id(chunk, "fact") && size >= 4) {
			info->fact_at = at;
		}
		at += (uint64_t)size + (size & 1);
	}
	return EBADMSG;
}

static bool printable_id(const uint8_t *p)
{
	for (int i = 0; i < 4; i++) {
		if (p[i] < ' ' || p[i] > '~')
			return false;
	}
	return true;
}

/* Is what stands at `at` a chain of chunks that ends with the file? */
static bool is_chunk_chain(int fd, uint64_t at, uint64_t file_len)
{
	for (int n = 0; n < MAX_CHUNKS; n++) {
		uint8_t head[CHUNK_HEAD];
		size_t got;

		if (at >= file_len) /* the last pad byte may be missing */
			return n > 0 && at <= file_len + 1;
		if (mp_file_pread(fd, head, sizeof(head), at, &got) || got < sizeof(head))
			return false;
		if (!printable_id(head))
			return false;
		at += CHUNK_HEAD + (uint64_t)get32(head + 4);
		at += at & 1;
	}
	return false;
}

uint64_t mp_wav_true_len(const struct mp_wav_info *info, int fd, uint64_t file_len)
{
	const uint64_t end = info->data_start + info->data_len;

	if (end + 1 >= file_len) /* all of it, but for a pad byte */
		return info->data_len;
	if (is_chunk_chain(fd, end + (end & 1), file_len))
		return info->data_len;
	return file_len - info->data_start;
}

/*
 * PCM has the classic 44 bytes. Other codings need the fact chunk, and GSM an extension of fmt that
 * gives the samples per block.
 */
size_t mp_wav_head(uint8_t out[MP_WAV_HEAD_MAX], struct mp_wav_info *info, const struct mp_coding *coding,
                   uint32_t rate)
{
	const bool pcm = coding->wav_tag == MP_WAV_PCM;
	const bool gsm = coding->wav_tag == MP_WAV_GSM;
	uint8_t *p = out;

	p = put_id(put32(put_id(p, "RIFF"), 0), "WAVE");
	p = put32(put_id(p, "fmt "), FMT_MIN + (pcm ? 0 : gsm ? 4 : 2));
	p = put16(put16(p, coding->wav_tag), 1);
	p = put32(put32(p, rate), rate * coding->block_bytes / coding->block_samples);
	p = put16(put16(p, coding->block_bytes), coding->bits);
	if (!pcm)
		p = put16(p, gsm ? 2 : 0);
	if (gsm)
		p = put16(p, coding->block_samples);
	memset(info, 0, sizeof(*info));
	if (!pcm) {
		p = put32(put_id(p, "fact"), 4);
		info->fact_at = (uint64_t)(p - out);
		p = put32(p, 0);
	}
	p = put32(put_id(p, "data"), 0);
	info->rate = rate;
	info->coding = coding->wav_tag;
	info->channels = 1;
	info->bits = coding->bits;
	info->data_start = (uint64_t)(p - out);
	put32(out + 4, (uint32_t)info->data_start - CHUNK_HEAD);
	return (size_t)(p - out);
}

static int write32(int fd, uint64_t at, uint64_t v)
{
	uint8_t buf[4];
	size_t put;

	put32(buf, (uint32_t)v);
	return mp_file_pwrite(fd, buf, sizeof(buf), at, &put);
}

int mp_wav_update(const struct mp_wav_info *info, const struct mp_coding *coding, int fd)
{
	const uint64_t end = info->data_start + info->data_len;
	int err = 0;

	if (info->data_len & 1) { /* chunks have even lengths; later audio overwrites the pad */
		size_t put;

		err = mp_file_pwrite(fd, (const uint8_t *)"", 1, end, &put);
	}
	if (!err && info->fact_at)
		err = write32(fd, info->fact_at,
		              info->data_len / coding->block_bytes * coding->block_samples);
	if (!err)
		err = write32(fd, info->data_start - 4, info->data_len);
	if (!err)
		err = write32(fd, 4, end + (info->data_len & 1) - CHUNK_HEAD);
	return err;
}
