/* The I/O threads: inbox, service loop, start and stop. */
#include "fileio.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "fileio_impl.h"

enum {
	DEFAULT_THREADS = 2,
	DEFAULT_CACHE = 32 << 20,
	DEFAULT_SOUND_MS = 20000,
	DEFAULT_READ_AHEAD_MS = 2000,
	DEFAULT_WRITE_BEHIND_MS = 4000,
	RING_MS_MIN = 200, /* less could not hold two steps of decoding */
	RING_MS_MAX = 60000
};

void mp_io_obj_init(struct io_obj *obj, struct mp_fileio *f)
{
	const unsigned turn = atomic_fetch_add_explicit(&f->turn, 1, memory_order_relaxed);

	obj->thread = &f->thread[turn % f->threads];
	atomic_init(&obj->flags, 0);
}

void mp_io_kick(struct io_obj *obj, unsigned flags)
{
	struct io_thread *t = obj->thread;
	struct io_obj *head;

	/* acq_rel: pairs with the thread's fetch_and, which sees all that was wanted before */
	if (atomic_fetch_or_explicit(&obj->flags, flags | IO_QUEUED, memory_order_acq_rel) & IO_QUEUED)
		return;
	head = atomic_load_explicit(&t->inbox, memory_order_relaxed);
	do {
		obj->inbox_next = head;
	} while (!atomic_compare_exchange_weak_explicit(&t->inbox, &head, obj, memory_order_acq_rel,
	                                                memory_order_relaxed));
	/* from here on the object may be gone */
	if (!head)
		sem_post(&t->wake);
}

static void link_live(struct io_thread *t, struct io_obj *obj)
{
	if (obj->linked)
		return;
	obj->linked = true;
	obj->next = t->live;
	if (t->live)
		t->live->prev = obj;
	t->live = obj;
	t->ticking += obj->tick != NULL;
}

static void unlink_live(struct io_thread *t, struct io_obj *obj)
{
	if (!obj->linked)
		return;
	*(obj->prev ? &obj->prev->next : &t->live) = obj->next;
	if (obj->next)
		obj->next->prev = obj->prev;
	t->ticking -= obj->tick != NULL;
}

static void serve_one(struct io_thread *t, struct io_obj *obj)
{
	/* cleared before the object is served: what is wanted from now on queues it again */
	const unsigned flags = atomic_fetch_and_explicit(&obj->flags, ~IO_QUEUED, memory_order_acq_rel);

	link_live(t, obj);
	if (flags & IO_CLOSING) {
		unlink_live(t, obj);
		obj->destroy(obj);
	} else {
		obj->serve(obj);
	}
}

/* Serve what waits, oldest first. Returns whether there was anything. */
static bool serve_inbox(struct io_thread *t)
{
	struct io_obj *obj = atomic_exchange_explicit(&t->inbox, NULL, memory_order_acq_rel);
	struct io_obj *oldest = NULL;
	const bool any = obj != NULL;

	while (obj) {
		struct io_obj *next = obj->inbox_next;

		obj->inbox_next = oldest;
		oldest = obj;
		obj = next;
	}
	while (oldest) {
		struct io_obj *next = oldest->inbox_next;

		serve_one(t, oldest);
		oldest = next;
	}
	return any;
}

static void add_ms(struct timespec *ts, long ms)
{
	ts->tv_sec += ms / 1000;
	ts->tv_nsec += ms % 1000 * 1000000;
	if (ts->tv_nsec >= 1000000000) {
		ts->tv_nsec -= 1000000000;
		ts->tv_sec++;
	}
}

static bool is_past(const struct timespec *ts)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec > ts->tv_sec || (now.tv_sec == ts->tv_sec && now.tv_nsec >= ts->tv_nsec);
}

static void tick_all(struct io_thread *t)
{
	for (struct io_obj *obj = t->live; obj; obj = obj->next) {
		if (obj->tick)
			obj->tick(obj);
	}
}

static void *run(void *arg)
{
	struct io_thread *t = arg;
	struct timespec due;
	bool armed = false;

	while (!atomic_load_explicit(&t->stop, memory_order_acquire)) {
		if (t->ticking && !armed) {
			clock_gettime(CLOCK_MONOTONIC, &due);
			add_ms(&due, IO_FLUSH_MS);
			armed = true;
		}
		if (t->ticking)
			sem_clockwait(&t->wake, CLOCK_MONOTONIC, &due);
		else
			sem_wait(&t->wake);
		serve_inbox(t);
		if (armed && is_past(&due)) {
			tick_all(t);
			armed = false;
		}
	}
	while (serve_inbox(t))
		;
	while (t->live) {
		struct io_obj *obj = t->live;

		unlink_live(t, obj);
		obj->destroy(obj);
	}
	return NULL;
}

static void set_default(uint32_t *value, uint32_t usual)
{
	if (!*value)
		*value = usual;
}

static int fill_conf(struct mp_fileio_conf *c, const struct mp_fileio_conf *given)
{
	if (given)
		*c = *given;
	set_default(&c->threads, DEFAULT_THREADS);
	set_default(&c->cache_sound_ms, DEFAULT_SOUND_MS);
	set_default(&c->read_ahead_ms, DEFAULT_READ_AHEAD_MS);
	set_default(&c->write_behind_ms, DEFAULT_WRITE_BEHIND_MS);
	if (!c->cache_bytes)
		c->cache_bytes = DEFAULT_CACHE;
	if (c->threads > IO_THREADS_MAX || c->read_ahead_ms < RING_MS_MIN ||
	    c->read_ahead_ms > RING_MS_MAX || c->write_behind_ms < RING_MS_MIN ||
	    c->write_behind_ms > RING_MS_MAX)
		return EINVAL;
	return 0;
}

static int start_thread(struct io_thread *t, struct mp_fileio *f)
{
	int err;

	t->io = f;
	if (sem_init(&t->wake, 0, 0))
		return errno;
	err = pthread_create(&t->id, NULL, run, t);
	if (err)
		sem_destroy(&t->wake);
	return err;
}

/* Signals are for the main thread: these threads start with all of them blocked. */
static int start_threads(struct mp_fileio *f)
{
	sigset_t all, old;
	int err = 0;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	while (!err && f->threads < f->conf.threads) {
		err = start_thread(&f->thread[f->threads], f);
		f->threads += !err;
	}
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return err;
}

int mp_fileio_open(struct mp_fileio **fp, const struct mp_fileio_conf *conf)
{
	struct mp_fileio *f;
	int err;

	if (!fp)
		return EINVAL;
	*fp = NULL;
	f = calloc(1, sizeof(*f));
	if (!f)
		return ENOMEM;
	err = fill_conf(&f->conf, conf);
	if (!err)
		err = mp_cache_init(&f->cache, f->conf.cache_bytes);
	if (err) {
		free(f);
		return err;
	}
	err = start_threads(f);
	if (err)
		mp_fileio_close(f);
	else
		*fp = f;
	return err;
}

void mp_fileio_close(struct mp_fileio *f)
{
	if (!f)
		return;
	for (unsigned i = 0; i < f->threads; i++) {
		atomic_store_explicit(&f->thread[i].stop, true, memory_order_release);
		sem_post(&f->thread[i].wake);
	}
	for (unsigned i = 0; i < f->threads; i++) {
		pthread_join(f->thread[i].id, NULL);
		sem_destroy(&f->thread[i].wake);
	}
	mp_cache_free(&f->cache);
	free(f);
}

void mp_fileio_stats(struct mp_fileio *f, struct mp_fileio_stats *out)
{
	struct cache *c;

	if (!f || !out)
		return;
	c = &f->cache;
	memset(out, 0, sizeof(*out));
	out->sources_live = atomic_load_explicit(&f->sources_live, memory_order_relaxed);
	out->sinks_live = atomic_load_explicit(&f->sinks_live, memory_order_relaxed);
	out->starved = atomic_load_explicit(&f->starved, memory_order_relaxed);
	out->overflow_samples = atomic_load_explicit(&f->overflow, memory_order_relaxed);
	pthread_mutex_lock(&c->lock);
	out->sounds_live = c->sounds;
	out->cache_bytes = c->bytes;
	out->cache_hits = c->hits;
	out->cache_misses = c->misses;
	pthread_mutex_unlock(&c->lock);
}
