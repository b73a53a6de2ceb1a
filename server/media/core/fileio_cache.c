/*
 * Decoded short sounds, shared by all who play them.
 *
 * A sound is freed when neither the cache nor a source refers to it. The least recently used go first.
 * A file that was replaced is recognised by inode, size and time of change; who plays the old version
 * plays it to the end.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "fileio_impl.h"

int mp_cache_init(struct cache *c, size_t limit)
{
	memset(c, 0, sizeof(*c));
	c->limit = limit;
	return pthread_mutex_init(&c->lock, NULL);
}

/* FNV-1a */
static struct sound **bucket_of(struct cache *c, const char *path)
{
	uint32_t h = 2166136261u;

	for (const char *p = path; *p; p++)
		h = (h ^ (uint8_t)*p) * 16777619u;
	return &c->bucket[h % CACHE_BUCKETS];
}

static void free_sound(struct sound *s)
{
	if (!s)
		return;
	free(s->path);
	free(s->format);
	free(s->pcm);
	free(s);
}

/* LOCK: c->lock */
static void unref(struct cache *c, struct sound *s)
{
	if (--s->refs)
		return;
	c->sounds--;
	free_sound(s);
}

/* LOCK: c->lock */
static void use_unlink(struct cache *c, struct sound *s)
{
	*(s->newer ? &s->newer->older : &c->newest) = s->older;
	*(s->older ? &s->older->newer : &c->oldest) = s->newer;
	s->newer = s->older = NULL;
}

/* LOCK: c->lock */
static void use_link(struct cache *c, struct sound *s)
{
	s->older = c->newest;
	*(c->newest ? &c->newest->newer : &c->oldest) = s;
	c->newest = s;
}

/* LOCK: c->lock */
static void evict(struct cache *c, struct sound *s)
{
	struct sound **p = bucket_of(c, s->path);

	while (*p != s)
		p = &(*p)->chain;
	*p = s->chain;
	use_unlink(c, s);
	s->cached = false;
	c->bytes -= s->n * sizeof(*s->pcm);
	unref(c, s);
}

void mp_cache_free(struct cache *c)
{
	while (c->oldest)
		evict(c, c->oldest);
	pthread_mutex_destroy(&c->lock);
}

static bool same_text(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

/* Taken before the file is opened: should it change meanwhile, the sound counts as old next time. */
static bool get_version(struct file_version *v, const char *path)
{
	struct stat st;

	memset(v, 0, sizeof(*v));
	if (stat(path, &st))
		return false;
	v->dev = st.st_dev;
	v->ino = st.st_ino;
	v->size = (uint64_t)st.st_size;
	v->mtime_ns = (uint64_t)st.st_mtim.tv_sec * 1000000000u + (uint64_t)st.st_mtim.tv_nsec;
	return true;
}

static bool same_version(const struct file_version *a, const struct file_version *b)
{
	return a->dev == b->dev && a->ino == b->ino && a->size == b->size && a->mtime_ns == b->mtime_ns;
}

/* LOCK: c->lock */
static struct sound *lookup(struct cache *c, const char *path, const char *format, uint32_t rate)
{
	struct sound *s = *bucket_of(c, path);

	while (s && (s->want_rate != rate || !same_text(s->format, format) || strcmp(s->path, path) != 0))
		s = s->chain;
	return s;
}

struct sound *mp_cache_find(struct cache *c, const char *path, const char *format, uint32_t rate,
                            struct file_version *version)
{
	const bool there = get_version(version, path);
	struct sound *s;

	pthread_mutex_lock(&c->lock);
	s = lookup(c, path, format, rate);
	if (s && !(there && same_version(&s->version, version))) {
		evict(c, s);
		s = NULL;
	}
	if (s) {
		s->refs++;
		use_unlink(c, s);
		use_link(c, s);
		c->hits++;
	} else {
		c->misses++;
	}
	pthread_mutex_unlock(&c->lock);
	return s;
}

/* Two threads may have loaded the same sound: the later one replaces the earlier. */
static void keep(struct cache *c, struct sound *s)
{
	const size_t bytes = s->n * sizeof(*s->pcm);
	struct sound *old;

	pthread_mutex_lock(&c->lock);
	c->sounds++;
	if (bytes <= c->limit) {
		struct sound **bucket = bucket_of(c, s->path);

		old = lookup(c, s->path, s->format, s->want_rate);
		if (old)
			evict(c, old);
		while (c->oldest && c->bytes + bytes > c->limit)
			evict(c, c->oldest);
		s->refs++;
		s->cached = true;
		s->chain = *bucket;
		*bucket = s;
		use_link(c, s);
		c->bytes += bytes;
	}
	pthread_mutex_unlock(&c->lock);
}

static int new_sound(struct sound **sp, const char *path, const char *format)
{
	struct sound *s = calloc(1, sizeof(*s));

	*sp = NULL;
	if (!s)
		return ENOMEM;
	s->refs = 1;
	s->path = strdup(path);
	s->format = format ? strdup(format) : NULL;
	if (!s->path || (format && !s->format)) {
		free_sound(s);
		return ENOMEM;
	}
	*sp = s;
	return 0;
}

/* Read to the end of `d`; `room` samples are allocated. */
static int decode_all(struct sound *s, struct decoder *d, size_t room, int16_t *scratch)
{
	size_t got = 0;
	int err;

	do {
		err = mp_decoder_read(d, scratch, s->pcm + s->n, &got);
		if (!err)
			s->n += got;
	} while (!err && got && s->n + mp_decoder_bound(d) <= room);
	return err;
}

int mp_cache_load(struct cache *c, struct sound **sp, struct decoder *d, const char *path,
                  const char *format, uint32_t rate, const struct file_version *version, int16_t *scratch)
{
	const uint64_t own = mp_reader_rate(d->reader);
	const size_t room =
	        (size_t)(mp_reader_samples(d->reader) * d->rate / own) + 2 * mp_decoder_bound(d);
	struct sound *s;
	int err = new_sound(&s, path, format);

	*sp = NULL;
	if (err)
		return err;
	s->version = *version;
	s->want_rate = rate;
	s->rate = d->rate;
	s->pcm = malloc(room * sizeof(*s->pcm));
	err = s->pcm ? decode_all(s, d, room, scratch) : ENOMEM;
	if (err) {
		free_sound(s);
		return err;
	}
	keep(c, s);
	*sp = s;
	return 0;
}

void mp_cache_release(struct cache *c, struct sound *s)
{
	if (!s)
		return;
	pthread_mutex_lock(&c->lock);
	unref(c, s);
	pthread_mutex_unlock(&c->lock);
}
