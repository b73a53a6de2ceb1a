/* A sound file as PCM at a wanted rate. */
#include <errno.h>
#include <string.h>

#include "fileio_impl.h"

int mp_decoder_open(struct decoder *d, const char *path, const char *format, uint32_t rate)
{
	uint32_t own;
	int err;

	memset(d, 0, sizeof(*d));
	err = mp_reader_open(&d->reader, path, format);
	if (err)
		return err;
	own = mp_reader_rate(d->reader);
	d->rate = rate ? rate : own;
	if (d->rate != own)
		err = mp_resampler_open(&d->resampler, own, d->rate);
	if (err)
		mp_decoder_close(d);
	return err;
}

static size_t step(const struct decoder *d)
{
	return mp_reader_rate(d->reader) * IO_BLOCK_MS / 1000;
}

size_t mp_decoder_bound(const struct decoder *d)
{
	return d->resampler ? mp_resampler_bound(d->resampler, step(d)) : step(d);
}

static int read_converted(struct decoder *d, int16_t *scratch, int16_t *out, size_t *got)
{
	size_t taken;
	int err;

	while (!d->ended) {
		*got = mp_decoder_bound(d);
		err = mp_reader_read(d->reader, scratch, step(d), &taken);
		if (err)
			return err;
		d->ended = taken == 0;
		err = mp_resampler_process(d->resampler, scratch, &taken, out, got);
		if (err || *got) /* nothing comes out while the filter fills */
			return err;
	}
	*got = mp_decoder_bound(d);
	return mp_resampler_drain(d->resampler, out, got);
}

int mp_decoder_read(struct decoder *d, int16_t *scratch, int16_t *out, size_t *got)
{
	if (d->resampler)
		return read_converted(d, scratch, out, got);
	return mp_reader_read(d->reader, out, step(d), got);
}

int mp_decoder_seek_ms(struct decoder *d, uint64_t ms)
{
	if (d->resampler)
		mp_resampler_reset(d->resampler);
	d->ended = false;
	return mp_reader_seek_ms(d->reader, ms);
}

void mp_decoder_close(struct decoder *d)
{
	mp_reader_close(d->reader);
	mp_resampler_close(d->resampler);
	memset(d, 0, sizeof(*d));
}
