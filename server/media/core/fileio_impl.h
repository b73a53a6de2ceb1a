/*
 * Private to fileio*.c.
 *
 * Each source and sink belongs to one I/O thread from open to free. Callers reach the thread through its
 * inbox, a lock-free stack of objects that want attention; an object is in it at most once, so it is
 * bounded by what is open. What the object wants is in its own atomics.
 */
#ifndef MP_FILEIO_IMPL_H
#define MP_FILEIO_IMPL_H

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "file.h"
#include "fileio.h"
#include "resample.h"

enum {
	IO_THREADS_MAX = 8,
	IO_FLUSH_MS = 800, /* how long recorded audio may stay in memory: less than a second */
	IO_BLOCK_MS = 20,  /* one step of decoding */
	IO_SCRATCH = 8192, /* samples; holds IO_BLOCK_MS at 192 kHz and its conversion */
	CACHE_BUCKETS = 256
};

/* Flags of an object. One word, so that "in the inbox" and "closing" change together: after CLOSING is
 * set only the thread that takes the object from the inbox touches it. */
enum { IO_QUEUED = 1u, IO_CLOSING = 2u };

struct io_thread;

struct io_obj {
	/* set at open, then read-only */
	struct io_thread *thread;
	void (*serve)(struct io_obj *obj);   /* do what is wanted */
	void (*tick)(struct io_obj *obj);    /* every IO_FLUSH_MS, may be NULL */
	void (*destroy)(struct io_obj *obj); /* finish and free */

	/* atomic, any thread */
	atomic_uint flags;

	/* whoever set IO_QUEUED, until the inbox has it; then the I/O thread */
	struct io_obj *inbox_next;

	/* I/O thread */
	struct io_obj *prev, *next; /* list of live objects */
	bool linked;
};

struct io_thread {
	struct mp_fileio *io;
	pthread_t id;
	sem_t wake;
	atomic_bool stop;
	_Atomic(struct io_obj *) inbox;

	/* I/O thread */
	struct io_obj *live;
	unsigned ticking; /* live objects with a tick */
	int16_t in[IO_SCRATCH], out[IO_SCRATCH];
};

/* Which content a path had. */
struct file_version {
	uint64_t dev, ino, size, mtime_ns;
};

/* A decoded sound. Immutable but for what the cache's lock guards. */
struct sound {
	char *path;
	char *format; /* NULL: by extension */
	uint32_t want_rate;
	struct file_version version;
	uint32_t rate;
	size_t n;
	int16_t *pcm;

	/* LOCK: cache->lock */
	unsigned refs;
	bool cached;
	struct sound *chain;         /* hash bucket */
	struct sound *newer, *older; /* by last use */
};

struct cache {
	pthread_mutex_t lock; /* taken by I/O threads only */
	size_t limit;

	/* LOCK: lock */
	struct sound *bucket[CACHE_BUCKETS];
	struct sound *newest, *oldest;
	size_t bytes;
	uint64_t hits, misses, sounds;
};

struct mp_fileio {
	struct mp_fileio_conf conf; /* defaults filled in; read-only */
	unsigned threads;
	struct cache cache;
	atomic_uint turn; /* gives objects to threads */
	atomic_ullong sources_live, sinks_live, starved, overflow;
	struct io_thread thread[IO_THREADS_MAX];
};

/* Prepare an object and choose its thread; it gets its first service by mp_io_kick. */
void mp_io_obj_init(struct io_obj *obj, struct mp_fileio *f);

/* Ask for service. Never blocks. With IO_CLOSING the caller gives the object up. */
void mp_io_kick(struct io_obj *obj, unsigned flags);

/* -- decoding ----------------------------------------------------------------------------------- */

/* A reader and what converts its rate. */
struct decoder {
	struct mp_reader *reader;
	struct mp_resampler *resampler; /* NULL: rates are equal */
	uint32_t rate;                  /* Hz, of what comes out */
	bool ended;                     /* the reader has; the resampler may hold a tail */
};

/* Open; rate 0: the file's own. Returns 0 or an errno. */
int mp_decoder_open(struct decoder *d, const char *path, const char *format, uint32_t rate);

/* The most that one mp_decoder_read gives. */
size_t mp_decoder_bound(const struct decoder *d);

/* Give up to mp_decoder_bound() samples, which `out` must hold; *got 0: the end. `scratch`: IO_SCRATCH. */
int mp_decoder_read(struct decoder *d, int16_t *scratch, int16_t *out, size_t *got);

int mp_decoder_seek_ms(struct decoder *d, uint64_t ms);
void mp_decoder_close(struct decoder *d);

/* -- cache -------------------------------------------------------------------------------------- */

int mp_cache_init(struct cache *c, size_t limit);
void mp_cache_free(struct cache *c);

/* The decoded sound, for the caller to release; NULL: not there. An old version is thrown out.
 * *version: what the path holds now, for mp_cache_load. */
struct sound *mp_cache_find(struct cache *c, const char *path, const char *format, uint32_t rate,
                            struct file_version *version);

/*
 * Decode the rest of `d` into a new sound and keep it, if its memory fits. *sp belongs to the caller, who
 * releases it. Returns 0 or an errno.
 */
int mp_cache_load(struct cache *c, struct sound **sp, struct decoder *d, const char *path,
                  const char *format, uint32_t rate, const struct file_version *version, int16_t *scratch);

void mp_cache_release(struct cache *c, struct sound *s);

#endif
