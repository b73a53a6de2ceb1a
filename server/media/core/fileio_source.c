/*
 * Sources: a file being played.
 *
 * Who owns what. The owner (a worker) asks for a place in the file by raising `seek_req`; opening is the
 * first such request. Until the I/O thread has answered by storing the same number in `seek_ack`, the
 * ring, `status` and `base` are the thread's alone; afterwards the thread only appends to the ring and
 * the owner only takes from it. A cached sound needs no thread once it is there.
 */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "fileio_impl.h"

enum { STATUS_END = -1 }; /* other values of status: 0 more comes, positive an errno */

struct mp_source {
	struct io_obj obj; /* first: the thread knows sources by it */

	/* set at open, then read-only */
	struct mp_fileio *io;
	uint32_t want_rate;
	char *format; /* NULL: by extension */

	/* written by the I/O thread before the first seek_ack, then read-only */
	struct sound *sound; /* NULL: streamed */
	int16_t *ring;
	size_t ring_size; /* power of two */
	uint32_t rate;
	uint64_t duration_ms;

	/* I/O thread */
	struct decoder decoder;
	bool opened; /* tried to */
	int open_err;

	/* I/O thread while seek_ack != seek_req, else owner */
	uint64_t base; /* sample of the file at which the ring (position 0) or the sound was entered */

	/* owner */
	uint64_t taken;  /* samples read since base */
	uint32_t wanted; /* copy of seek_req */
	bool starved;    /* the last read got less than it should have */

	/* atomic */
	_Atomic uint32_t seek_req; /* owner: release, after seek_ms */
	_Atomic uint64_t seek_ms;
	_Atomic uint32_t seek_ack; /* I/O thread: release, after everything of the new place */
	_Atomic size_t head;       /* I/O thread: release, after the samples */
	_Atomic size_t tail;       /* owner: release, after having copied them out */
	_Atomic int status;        /* I/O thread: release, after the last head */

	char path[];
};

static struct mp_source *source_of(struct io_obj *obj)
{
	return (struct mp_source *)(void *)obj;
}

/* -- functions that run in the I/O thread ------------------------------------------------------- */

static size_t pow2_at_least(size_t n)
{
	size_t p = 1;

	while (p < n)
		p *= 2;
	return p;
}

static int make_ring(struct mp_source *s)
{
	const size_t ahead = (size_t)s->decoder.rate * s->io->conf.read_ahead_ms / 1000;

	s->ring_size = pow2_at_least(ahead);
	s->ring = malloc(s->ring_size * sizeof(*s->ring));
	return s->ring ? 0 : ENOMEM;
}

static int open_file(struct mp_source *s)
{
	struct cache *cache = &s->io->cache;
	struct file_version version;
	int err;

	s->sound = mp_cache_find(cache, s->path, s->format, s->want_rate, &version);
	if (s->sound) {
		s->rate = s->sound->rate;
		s->duration_ms = (uint64_t)s->sound->n * 1000 / s->rate;
		return 0;
	}
	err = mp_decoder_open(&s->decoder, s->path, s->format, s->want_rate);
	if (err)
		return err;
	s->rate = s->decoder.rate;
	s->duration_ms = mp_reader_duration_ms(s->decoder.reader);
	if (s->duration_ms > s->io->conf.cache_sound_ms)
		return make_ring(s);
	err = mp_cache_load(cache, &s->sound, &s->decoder, s->path, s->format, s->want_rate, &version,
	                    s->obj.thread->in);
	mp_decoder_close(&s->decoder);
	return err;
}

/* Copy decoded samples into the ring; there is room. */
static void append(struct mp_source *s, const int16_t *pcm, size_t n)
{
	const size_t head = atomic_load_explicit(&s->head, memory_order_relaxed);
	const size_t at = head & (s->ring_size - 1);
	const size_t first = n < s->ring_size - at ? n : s->ring_size - at;

	memcpy(s->ring + at, pcm, first * sizeof(*pcm));
	memcpy(s->ring, pcm + first, (n - first) * sizeof(*pcm));
	atomic_store_explicit(&s->head, head + n, memory_order_release);
}

static size_t room(const struct mp_source *s)
{
	/* acquire: the owner is done with what it took before we overwrite it */
	return s->ring_size - (atomic_load_explicit(&s->head, memory_order_relaxed) -
	                       atomic_load_explicit(&s->tail, memory_order_acquire));
}

static void fill(struct mp_source *s)
{
	struct io_thread *t = s->obj.thread;
	size_t got;

	if (!s->ring || atomic_load_explicit(&s->status, memory_order_relaxed))
		return;
	while (room(s) >= mp_decoder_bound(&s->decoder)) {
		const int err = mp_decoder_read(&s->decoder, t->in, t->out, &got);

		if (err || !got) {
			atomic_store_explicit(&s->status, err ? err : STATUS_END, memory_order_release);
			return;
		}
		append(s, t->out, got);
	}
}

static int go_to(struct mp_source *s, uint64_t ms)
{
	const uint64_t limit = s->duration_ms;

	s->base = (ms < limit ? ms : limit) * s->rate / 1000;
	if (s->sound) {
		if (ms >= limit || s->base > s->sound->n)
			s->base = s->sound->n;
		return 0;
	}
	atomic_store_explicit(&s->head, 0, memory_order_relaxed);
	atomic_store_explicit(&s->tail, 0, memory_order_relaxed);
	return mp_decoder_seek_ms(&s->decoder, ms);
}

static void answer_seek(struct mp_source *s, uint32_t req)
{
	int err = s->open_err;

	if (!s->opened) {
		s->opened = true;
		err = s->open_err = open_file(s);
	}
	if (!err)
		err = go_to(s, atomic_load_explicit(&s->seek_ms, memory_order_relaxed));
	atomic_store_explicit(&s->status, err, memory_order_relaxed);
	if (!err)
		fill(s); /* so that the first read finds audio */
	atomic_store_explicit(&s->seek_ack, req, memory_order_release);
}

static void serve(struct io_obj *obj)
{
	struct mp_source *s = source_of(obj);
	const uint32_t req = atomic_load_explicit(&s->seek_req, memory_order_acquire);

	if (req != atomic_load_explicit(&s->seek_ack, memory_order_relaxed))
		answer_seek(s, req);
	else
		fill(s);
}

static void destroy(struct io_obj *obj)
{
	struct mp_source *s = source_of(obj);

	mp_cache_release(&s->io->cache, s->sound);
	mp_decoder_close(&s->decoder);
	atomic_fetch_sub_explicit(&s->io->sources_live, 1, memory_order_relaxed);
	free(s->ring);
	free(s->format);
	free(s);
}

/* -- functions of the caller -------------------------------------------------------------------- */

int mp_source_open(struct mp_source **sp, struct mp_fileio *f, const char *path, const char *format,
                   uint32_t rate, uint64_t offset_ms)
{
	struct mp_source *s;
	size_t len;

	if (!sp)
		return EINVAL;
	*sp = NULL;
	if (!f || !path)
		return EINVAL;
	len = strlen(path);
	if (len >= PATH_MAX)
		return ENAMETOOLONG;
	s = calloc(1, sizeof(*s) + len + 1);
	if (!s)
		return ENOMEM;
	s->format = format ? strdup(format) : NULL;
	if (format && !s->format) {
		free(s);
		return ENOMEM;
	}
	memcpy(s->path, path, len + 1);
	s->io = f;
	s->want_rate = rate;
	s->obj.serve = serve;
	s->obj.destroy = destroy;
	mp_io_obj_init(&s->obj, f);
	atomic_fetch_add_explicit(&f->sources_live, 1, memory_order_relaxed);
	*sp = s;
	mp_source_seek(s, offset_ms);
	return 0;
}

void mp_source_close(struct mp_source *s)
{
	if (s)
		mp_io_kick(&s->obj, IO_CLOSING);
}

/* Is the place that was asked for there? Acquire: then so is all that the thread wrote for it. */
static bool arrived(const struct mp_source *s)
{
	return atomic_load_explicit(&s->seek_ack, memory_order_acquire) == s->wanted;
}

void mp_source_seek(struct mp_source *s, uint64_t ms)
{
	if (!s)
		return;
	s->starved = false;
	s->taken = 0;
	atomic_store_explicit(&s->seek_ms, ms, memory_order_relaxed);
	if (s->wanted && arrived(s) && s->sound) {
		go_to(s, ms);
		return;
	}
	s->wanted++;
	atomic_store_explicit(&s->seek_req, s->wanted, memory_order_release);
	mp_io_kick(&s->obj, 0);
}

static size_t min_size(size_t a, size_t b)
{
	return a < b ? a : b;
}

static size_t read_sound(struct mp_source *s, int16_t *pcm, size_t n)
{
	const size_t at = (size_t)(s->base + s->taken);

	n = min_size(n, s->sound->n - at);
	memcpy(pcm, s->sound->pcm + at, n * sizeof(*pcm));
	s->taken += n;
	return n;
}

/* Samples in the ring. Acquire: they are written. */
static size_t waiting(const struct mp_source *s)
{
	return atomic_load_explicit(&s->head, memory_order_acquire) -
	       atomic_load_explicit(&s->tail, memory_order_relaxed);
}

static size_t read_ring(struct mp_source *s, int16_t *pcm, size_t n)
{
	/* status first: once it is set, the head is final */
	const int status = atomic_load_explicit(&s->status, memory_order_acquire);
	const size_t there = s->ring ? waiting(s) : 0;
	const size_t take = min_size(n, there);
	const size_t tail = atomic_load_explicit(&s->tail, memory_order_relaxed);

	if (take) {
		const size_t at = tail & (s->ring_size - 1);
		const size_t first = min_size(take, s->ring_size - at);

		memcpy(pcm, s->ring + at, first * sizeof(*pcm));
		memcpy(pcm + first, s->ring, (take - first) * sizeof(*pcm));
		atomic_store_explicit(&s->tail, tail + take, memory_order_release);
		s->taken += take;
	}
	s->starved = take < n && !status;
	if (s->starved)
		atomic_fetch_add_explicit(&s->io->starved, 1, memory_order_relaxed);
	if (!status && there - take < s->ring_size / 2)
		mp_io_kick(&s->obj, 0);
	return take;
}

size_t mp_source_read(struct mp_source *s, int16_t *pcm, size_t n)
{
	if (!s || !pcm || !arrived(s))
		return 0;
	return s->sound ? read_sound(s, pcm, n) : read_ring(s, pcm, n);
}

enum mp_source_state mp_source_state(const struct mp_source *s)
{
	int status;

	if (!s)
		return MP_SOURCE_ERROR;
	if (!arrived(s))
		return MP_SOURCE_OPENING;
	if (s->sound)
		return s->base + s->taken < s->sound->n ? MP_SOURCE_READY : MP_SOURCE_END;
	status = atomic_load_explicit(&s->status, memory_order_acquire);
	if (status && (!s->ring || !waiting(s)))
		return status == STATUS_END ? MP_SOURCE_END : MP_SOURCE_ERROR;
	return s->starved ? MP_SOURCE_STARVED : MP_SOURCE_READY;
}

int mp_source_error(const struct mp_source *s)
{
	if (mp_source_state(s) != MP_SOURCE_ERROR)
		return 0;
	return s ? atomic_load_explicit(&s->status, memory_order_relaxed) : EINVAL;
}

uint64_t mp_source_position_ms(const struct mp_source *s)
{
	if (!s)
		return 0;
	if (!arrived(s))
		return atomic_load_explicit(&s->seek_ms, memory_order_relaxed);
	return s->rate ? (s->base + s->taken) * 1000 / s->rate : 0;
}

uint64_t mp_source_duration_ms(const struct mp_source *s)
{
	return s && arrived(s) ? s->duration_ms : 0;
}

uint32_t mp_source_rate(const struct mp_source *s)
{
	return s && arrived(s) ? s->rate : 0;
}
