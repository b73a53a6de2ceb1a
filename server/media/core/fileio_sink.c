/*
 * Sinks: a file being recorded.
 *
 * The owner appends to the ring, the I/O thread takes from it and writes, at the latest every
 * IO_FLUSH_MS. After an error the ring is emptied into nothing, and the file keeps what it has.
 */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "fileio_impl.h"

struct mp_sink {
	struct io_obj obj; /* first: the thread knows sinks by it */

	/* set at open, then read-only */
	struct mp_fileio *io;
	const char *format; /* a constant of file.c, or `format_text` */
	char *format_text;
	unsigned flags;
	uint32_t rate;
	size_t ring_size; /* power of two */
	int16_t *ring;

	/* I/O thread */
	struct mp_writer *writer;
	struct mp_resampler *resampler; /* NULL: rates are equal */
	bool opened;                    /* tried to */
	bool dirty;                     /* written since the last flush */

	/* owner */
	bool finished;

	/* atomic */
	_Atomic size_t head; /* owner: release, after the samples */
	_Atomic size_t tail; /* I/O thread: release, after having copied them out */
	atomic_bool finish;  /* owner: release, after the last head */
	_Atomic int err;     /* I/O thread: before state */
	_Atomic int state;   /* I/O thread: release; an mp_sink_state */
	atomic_ullong overflow;

	char path[];
};

static struct mp_sink *sink_of(struct io_obj *obj)
{
	return (struct mp_sink *)(void *)obj;
}

/* -- functions that run in the I/O thread ------------------------------------------------------- */

static void set_state(struct mp_sink *s, enum mp_sink_state state, int err)
{
	atomic_store_explicit(&s->err, err, memory_order_relaxed);
	atomic_store_explicit(&s->state, state, memory_order_release);
}

static void close_file(struct mp_sink *s, int err)
{
	const int close_err = mp_writer_close(s->writer);

	s->writer = NULL;
	mp_resampler_close(s->resampler);
	s->resampler = NULL;
	if (!err)
		err = close_err;
	set_state(s, err ? MP_SINK_ERROR : MP_SINK_DONE, err);
}

static void open_file(struct mp_sink *s)
{
	int err = mp_writer_open(&s->writer, s->path, s->format, s->flags);

	if (!err && mp_writer_rate(s->writer) != s->rate)
		err = mp_resampler_open(&s->resampler, s->rate, mp_writer_rate(s->writer));
	if (err)
		close_file(s, err);
	else
		set_state(s, MP_SINK_OPEN, 0);
}

static int write_pcm(struct mp_sink *s, const int16_t *pcm, size_t n)
{
	struct io_thread *t = s->obj.thread;
	const size_t step = s->rate * IO_BLOCK_MS / 1000;
	int err = 0;

	s->dirty = true;
	if (!s->resampler)
		return mp_writer_write(s->writer, pcm, n);
	while (n && !err) {
		size_t taken = n < step ? n : step;
		size_t given = IO_SCRATCH;

		err = mp_resampler_process(s->resampler, pcm, &taken, t->out, &given);
		if (!err)
			err = mp_writer_write(s->writer, t->out, given);
		pcm += taken;
		n -= taken;
	}
	return err;
}

static int write_tail(struct mp_sink *s)
{
	struct io_thread *t = s->obj.thread;
	size_t given = IO_SCRATCH;

	if (!s->resampler)
		return 0;
	mp_resampler_drain(s->resampler, t->out, &given);
	return mp_writer_write(s->writer, t->out, given);
}

/* Write what is in the ring, in at most two pieces. */
static int drain(struct mp_sink *s)
{
	const size_t head = atomic_load_explicit(&s->head, memory_order_acquire);
	size_t tail = atomic_load_explicit(&s->tail, memory_order_relaxed);
	int err = 0;

	while (tail != head) {
		const size_t at = tail & (s->ring_size - 1);
		const size_t to_end = s->ring_size - at;
		const size_t n = head - tail < to_end ? head - tail : to_end;

		if (s->writer && !err)
			err = write_pcm(s, s->ring + at, n);
		tail += n;
		atomic_store_explicit(&s->tail, tail, memory_order_release);
	}
	return err;
}

/* Write what is there; `end`: and complete the file. */
static void advance(struct mp_sink *s, bool flush, bool end)
{
	int err;

	if (!s->opened) {
		s->opened = true;
		open_file(s);
	}
	err = drain(s);
	if (!s->writer)
		return;
	if (!err && end)
		err = write_tail(s);
	if (!err && flush && s->dirty && !end) {
		err = mp_writer_flush(s->writer);
		s->dirty = false;
	}
	if (err || end)
		close_file(s, err);
}

static void serve(struct io_obj *obj)
{
	struct mp_sink *s = sink_of(obj);

	advance(s, false, atomic_load_explicit(&s->finish, memory_order_acquire));
}

static void tick(struct io_obj *obj)
{
	advance(sink_of(obj), true, false);
}

static void free_sink(struct mp_sink *s)
{
	free(s->ring);
	free(s->format_text);
	free(s);
}

static void destroy(struct io_obj *obj)
{
	struct mp_sink *s = sink_of(obj);

	advance(s, false, true);
	atomic_fetch_sub_explicit(&s->io->sinks_live, 1, memory_order_relaxed);
	free_sink(s);
}

/* -- functions of the caller -------------------------------------------------------------------- */

static int prepare(struct mp_sink *s, const char *path, const char *format)
{
	size_t want = (size_t)s->rate * s->io->conf.write_behind_ms / 1000;

	if (format) {
		s->format_text = strdup(format);
		if (!s->format_text)
			return ENOMEM;
	}
	s->format = format ? s->format_text : mp_file_format(path);
	if (!mp_file_rate(s->format))
		return ENOTSUP;
	for (s->ring_size = 1; s->ring_size < want;)
		s->ring_size *= 2;
	s->ring = malloc(s->ring_size * sizeof(*s->ring));
	return s->ring ? 0 : ENOMEM;
}

int mp_sink_open(struct mp_sink **sp, struct mp_fileio *f, const char *path, const char *format,
                 unsigned flags, uint32_t rate)
{
	struct mp_sink *s;
	size_t len;
	int err;

	if (!sp)
		return EINVAL;
	*sp = NULL;
	if (!f || !path || rate < 4000 || rate > 192000)
		return EINVAL;
	if (flags != MP_FILE_EXCL && flags != MP_FILE_APPEND && flags != MP_FILE_TRUNC)
		return EINVAL;
	len = strlen(path);
	if (len >= PATH_MAX)
		return ENAMETOOLONG;
	s = calloc(1, sizeof(*s) + len + 1);
	if (!s)
		return ENOMEM;
	memcpy(s->path, path, len + 1);
	s->io = f;
	s->flags = flags;
	s->rate = rate;
	err = prepare(s, path, format);
	if (err) {
		free_sink(s);
		return err;
	}
	s->obj.serve = serve;
	s->obj.tick = tick;
	s->obj.destroy = destroy;
	mp_io_obj_init(&s->obj, f);
	atomic_fetch_add_explicit(&f->sinks_live, 1, memory_order_relaxed);
	*sp = s;
	mp_io_kick(&s->obj, 0);
	return 0;
}

static void count_overflow(struct mp_sink *s, size_t n)
{
	atomic_fetch_add_explicit(&s->overflow, n, memory_order_relaxed);
	atomic_fetch_add_explicit(&s->io->overflow, n, memory_order_relaxed);
}

static bool is_over(const struct mp_sink *s)
{
	const int state = atomic_load_explicit(&s->state, memory_order_acquire);

	return s->finished || state == MP_SINK_DONE || state == MP_SINK_ERROR;
}

size_t mp_sink_write(struct mp_sink *s, const int16_t *pcm, size_t n)
{
	size_t head, used, take, at, first;

	if (!s || !pcm || is_over(s))
		return 0;
	head = atomic_load_explicit(&s->head, memory_order_relaxed);
	/* acquire: the thread has copied out what we overwrite */
	used = head - atomic_load_explicit(&s->tail, memory_order_acquire);
	take = n < s->ring_size - used ? n : s->ring_size - used;
	at = head & (s->ring_size - 1);
	first = take < s->ring_size - at ? take : s->ring_size - at;
	memcpy(s->ring + at, pcm, first * sizeof(*pcm));
	memcpy(s->ring, pcm + first, (take - first) * sizeof(*pcm));
	atomic_store_explicit(&s->head, head + take, memory_order_release);
	if (take < n)
		count_overflow(s, n - take);
	if (used + take > s->ring_size / 2)
		mp_io_kick(&s->obj, 0);
	return take;
}

enum mp_sink_state mp_sink_state(const struct mp_sink *s)
{
	return s ? (enum mp_sink_state)atomic_load_explicit(&s->state, memory_order_acquire)
	         : MP_SINK_ERROR;
}

int mp_sink_error(const struct mp_sink *s)
{
	if (mp_sink_state(s) != MP_SINK_ERROR)
		return 0;
	return s ? atomic_load_explicit(&s->err, memory_order_relaxed) : EINVAL;
}

uint64_t mp_sink_overflow(const struct mp_sink *s)
{
	return s ? atomic_load_explicit(&s->overflow, memory_order_relaxed) : 0;
}

void mp_sink_finish(struct mp_sink *s)
{
	if (!s)
		return;
	s->finished = true;
	atomic_store_explicit(&s->finish, true, memory_order_release);
	mp_io_kick(&s->obj, 0);
}

void mp_sink_close(struct mp_sink *s)
{
	if (s)
		mp_io_kick(&s->obj, IO_CLOSING);
}
