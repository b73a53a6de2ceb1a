/*
 * File input and output beside the workers: nothing here that a worker calls ever blocks.
 *
 * A source is a file being played: it is read ahead, decoded and resampled by an I/O thread. Short
 * sounds are decoded once and shared by all who play them. A sink is a file being recorded: it is
 * written behind.
 *
 * Threads. "Owner" functions (read, write, seek, position, state, finish) may be called by one thread at
 * a time, usually the worker that has the stream; handing a source or sink to another worker needs the
 * usual release/acquire of a ring. `open` and `close` may be called by any thread; after `close` the
 * caller must not touch the object again. Files are opened, read, flushed and closed by the I/O thread
 * only; completion is seen by polling the state (once a tick; it is one atomic load).
 */
#ifndef MP_FILEIO_H
#define MP_FILEIO_H

#include <stddef.h>
#include <stdint.h>

struct mp_fileio;
struct mp_source;
struct mp_sink;

struct mp_fileio_conf {
	unsigned threads;        /* I/O threads; 0: 2, so that one hanging mount doesn't stop all prompts */
	size_t cache_bytes;      /* decoded sounds kept for reuse; 0: 32 MiB */
	uint32_t cache_sound_ms; /* sounds up to this length are cached; 0: 20,000 ms */
	uint32_t read_ahead_ms;  /* ring of a longer file; 0: 2,000 ms */
	uint32_t write_behind_ms; /* ring of a sink; 0: 4,000 ms */
};

struct mp_fileio_stats {
	uint64_t sources_live;
	uint64_t sinks_live;
	uint64_t sounds_live; /* decoded sounds in memory, cached or still played */
	uint64_t cache_bytes; /* memory of cached sounds */
	uint64_t cache_hits;
	uint64_t cache_misses;
	uint64_t starved;          /* reads that got less than asked although the file went on */
	uint64_t overflow_samples; /* recorded samples lost because the disk was too slow */
};

/*
 * Start the I/O threads. conf NULL: defaults.
 * Returns 0, EINVAL, ENOMEM, or the errno of pthread_create.
 */
int mp_fileio_open(struct mp_fileio **fp, const struct mp_fileio_conf *conf);

/*
 * Finish what was asked for (closing sinks completes their files), join the threads, free everything.
 * No other thread may use this fileio or its objects any more. Objects never closed are closed here.
 */
void mp_fileio_close(struct mp_fileio *f);

/* A snapshot of the counters. Any thread. */
void mp_fileio_stats(struct mp_fileio *f, struct mp_fileio_stats *out);

/* -- sources ------------------------------------------------------------------------------------ */

enum mp_source_state {
	MP_SOURCE_OPENING, /* not open yet, or a seek is under way: reads give nothing, which is not
	                      starving */
	MP_SOURCE_READY,   /* audio is there */
	MP_SOURCE_STARVED, /* the disk was late: the last read got less than asked; reading may go on */
	MP_SOURCE_END,     /* all was read; a seek makes it READY again */
	MP_SOURCE_ERROR /* mp_source_error says why; of a streamed file, what came before was given out */
};

/*
 * Play a file from `offset_ms`. Returns at once; whether the file can be opened shows in the state.
 *
 * sp      the source, NULL on failure
 * path    absolute file name, copied
 * format  see file.h; NULL: by extension
 * rate    Hz of the PCM wanted; 0: the file's own (then ask mp_source_rate)
 *
 * Returns 0, EINVAL, ENAMETOOLONG, ENOMEM. A worker may call it at the start of a playback.
 */
int mp_source_open(struct mp_source **sp, struct mp_fileio *f, const char *path, const char *format,
                   uint32_t rate, uint64_t offset_ms);

/* Copy up to `n` samples, less when they aren't there; look at the state when less came. Owner. */
size_t mp_source_read(struct mp_source *s, int16_t *pcm, size_t n);

enum mp_source_state mp_source_state(const struct mp_source *s); /* owner */

/* errno of MP_SOURCE_ERROR, else 0. Owner. */
int mp_source_error(const struct mp_source *s);

/* Continue at `ms` from the start (0: restart); beyond the end is the end. Owner; repeatable. */
void mp_source_seek(struct mp_source *s, uint64_t ms);

/* Where the next sample read stands in the file, ms. During a seek: its target. Owner. */
uint64_t mp_source_position_ms(const struct mp_source *s);

/* Length in ms and PCM rate in Hz; 0 while OPENING for the first time. Owner. */
uint64_t mp_source_duration_ms(const struct mp_source *s);
uint32_t mp_source_rate(const struct mp_source *s);

/* Give the source up, in any state, from any thread. NULL is allowed. */
void mp_source_close(struct mp_source *s);

/* -- sinks -------------------------------------------------------------------------------------- */

enum mp_sink_state {
	MP_SINK_OPENING, /* writing is allowed: the ring keeps it */
	MP_SINK_OPEN,    /* the file is open */
	MP_SINK_DONE,    /* after mp_sink_finish: the file is complete and closed */
	MP_SINK_ERROR    /* mp_sink_error says why; what reached the disk before is a valid file */
};

/*
 * Record to a file. Returns at once; whether it can be created shows in the state.
 *
 * sp      the sink, NULL on failure
 * path    absolute file name, copied
 * format  see file.h; NULL: by extension
 * flags   one of mp_file_flags
 * rate    Hz of the PCM that will be written; resampled to the file's
 *
 * Returns 0, EINVAL, ENOTSUP (no such format), ENAMETOOLONG, ENOMEM.
 */
int mp_sink_open(struct mp_sink **sp, struct mp_fileio *f, const char *path, const char *format,
                 unsigned flags, uint32_t rate);

/*
 * Hand over `n` samples. Returns how many fit in the ring: the rest is lost and counted. In the states
 * DONE and ERROR nothing is taken. On disk, valid header included, within a second. Owner.
 */
size_t mp_sink_write(struct mp_sink *s, const int16_t *pcm, size_t n);

enum mp_sink_state mp_sink_state(const struct mp_sink *s); /* any thread */

/* errno of MP_SINK_ERROR, else 0. Any thread. */
int mp_sink_error(const struct mp_sink *s);

/* Samples lost to a full ring, at the rate written. Any thread. */
uint64_t mp_sink_overflow(const struct mp_sink *s);

/* No more will be written: complete the file. The state becomes DONE or ERROR. Owner. */
void mp_sink_finish(struct mp_sink *s);

/* Give the sink up, in any state, from any thread; the file is completed as by finish. NULL is allowed. */
void mp_sink_close(struct mp_sink *s);

#endif
