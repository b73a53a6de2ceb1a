/* The control thread's side: life of the engine, making of objects, events. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "core.h"

uint64_t mp_now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000u + (uint64_t)ts.tv_nsec / 1000u;
}

int mp_engine_open(struct mp_engine **ep, const struct mp_engine_conf *conf)
{
	struct mp_engine *e;
	struct timespec ts;
	int err;

	if (!ep)
		return EINVAL;
	*ep = NULL;
	if (!conf || !conf->workers || conf->workers > MP_MAX_WORKERS ||
	    conf->rtp_start + 1 > conf->rtp_end)
		return EINVAL;
	e = calloc(1, sizeof(*e));
	if (!e)
		return ENOMEM;
	e->conf = *conf;
	e->last_grave = &e->graves;
	clock_gettime(CLOCK_REALTIME, &ts);
	e->rng = (uint64_t)ts.tv_nsec * 2654435761u ^ (uint64_t)getpid() << 32 ^ (uint64_t)ts.tv_sec;
	e->next_port = (uint16_t)(e->rng >> 13);
	snprintf(e->cname, sizeof(e->cname), "%016llx", (unsigned long long)e->rng);
	e->event_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (e->event_fd < 0) {
		err = errno;
		goto out;
	}
	err = mp_fileio_open(&e->files, NULL);
	for (unsigned i = 0; !err && i < conf->workers; i++)
		err = mp_worker_open(&e->workers[i], e, i);
out:
	if (err)
		mp_engine_close(e);
	else
		*ep = e;
	return err;
}

int mp_engine_start(struct mp_engine *e)
{
	struct rlimit limit;
	int err = 0;

	if (e->started)
		return EALREADY;
	if (!getrlimit(RLIMIT_NOFILE, &limit) && limit.rlim_cur < limit.rlim_max) {
		limit.rlim_cur = limit.rlim_max; /* a call takes two descriptors */
		(void)setrlimit(RLIMIT_NOFILE, &limit);
	}
	e->started = true;
	for (unsigned i = 0; !err && i < e->conf.workers; i++)
		err = mp_worker_start(&e->workers[i]);
	if (err)
		mp_engine_stop(e, 0);
	return err;
}

void mp_engine_stop(struct mp_engine *e, unsigned timeout_ms)
{
	const uint64_t by = mp_now_us() + (uint64_t)timeout_ms * 1000u;

	if (!e->started || e->stopped)
		return;
	e->stopped = true;
	for (unsigned i = 0; i < e->conf.workers; i++) {
		atomic_store(&e->workers[i].stop_by_us, by);
		atomic_store(&e->workers[i].stopping, true);
		mp_worker_wake(&e->workers[i]);
	}
	for (unsigned i = 0; i < e->conf.workers; i++)
		mp_worker_join(&e->workers[i]);
}

void mp_engine_close(struct mp_engine *e)
{
	if (!e)
		return;
	mp_engine_stop(e, 0);
	for (unsigned i = 0; i < e->conf.workers; i++)
		mp_worker_close(&e->workers[i]);
	for (uint32_t i = 0; i < e->slot_count; i++) {
		if (e->slots[i].object)
			mp_object_free(e->slots[i].object);
	}
	mp_grave_sweep(e, true);
	free(e->slots);
	mp_fileio_close(e->files);
	if (e->event_fd >= 0)
		close(e->event_fd);
	free(e);
}

int mp_engine_fd(const struct mp_engine *e)
{
	return e->event_fd;
}

static unsigned pick_worker(struct mp_engine *e)
{
	return e->next_worker++ % e->conf.workers;
}

/* Give a new object its handle, or free it. */
static int publish(uint64_t *handle, struct mp_engine *e, struct mp_object *o, enum mp_kind kind,
                   unsigned worker)
{
	const int err = mp_handle_add(e, o, kind, worker);

	o->kind = kind;
	if (err)
		mp_object_free(o);
	else
		*handle = o->handle;
	return err;
}

static uint32_t random32(struct mp_engine *e)
{
	e->rng ^= e->rng << 13; /* xorshift64: spreads SSRCs and sequence starts, is no secret */
	e->rng ^= e->rng >> 7;
	e->rng ^= e->rng << 17;
	return (uint32_t)(e->rng >> 16);
}

static struct mp_stream *new_stream(enum mp_stream_type type)
{
	struct mp_stream *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->type = type;
	s->codec = MP_CODEC_SLIN;
	s->dtmf_pass = true;
	mp_link_init(&s->all);
	mp_link_init(&s->in_link);
	mp_link_init(&s->out_link);
	mp_link_init(&s->recorders);
	mp_link_init(&s->snoops);
	return s;
}

static void init_session(struct mp_rtp_session *r, struct mp_engine *e, const int fds[2], uint16_t port)
{
	r->rtp.fd = fds[0];
	r->rtp.ready = mp_rtp_ready;
	r->rtcp.fd = fds[1];
	r->rtcp.ready = mp_rtcp_ready;
	r->peer.fd = -1;
	r->peer.ready = mp_rtp_peer_ready;
	r->port = port;
	r->dtmf_payload_type = -1;
	r->out.codec = MP_CODEC_ULAW;
	r->out.dtmf_payload_type = -1;
	r->out.ptime_ms = MP_TICK_MS;
	r->out.ssrc = random32(e);
	r->out.seq = (uint16_t)(random32(e) & 0x7fff); /* RFC 3711 likes room before the first wrap */
	r->out.ts = random32(e);
}

int mp_engine_open_rtp(uint64_t *handle, uint16_t *port, struct mp_engine *e, const char *host, int tos)
{
	struct mp_stream *s;
	int fds[2] = {-1, -1};
	int err;

	s = new_stream(MP_STREAM_RTP);
	if (!s)
		return ENOMEM;
	s->rtp = calloc(1, sizeof(*s->rtp));
	err = s->rtp ? mp_sock_open_pair(fds, port, e, host, tos) : ENOMEM;
	if (err) {
		free(s->rtp);
		free(s);
		return err;
	}
	s->rtp->owner = s;
	init_session(s->rtp, e, fds, *port);
	return publish(handle, e, &s->obj, MP_KIND_STREAM, pick_worker(e));
}

int mp_engine_open_pair(uint64_t handle[2], struct mp_engine *e)
{
	struct mp_stream *a = new_stream(MP_STREAM_LOCAL), *b = new_stream(MP_STREAM_LOCAL);
	const unsigned worker = pick_worker(e);
	int err = ENOMEM;

	if (!a || !b) {
		free(a);
		free(b);
		return err;
	}
	a->pair = b;
	b->pair = a;
	err = publish(&handle[0], e, &a->obj, MP_KIND_STREAM, worker);
	if (err) {
		free(b);
		return err;
	}
	err = publish(&handle[1], e, &b->obj, MP_KIND_STREAM, worker);
	if (err) {
		mp_handle_remove(e, handle[0]);
		mp_object_free(&a->obj);
	}
	return err;
}

int mp_engine_open_null(uint64_t *handle, struct mp_engine *e)
{
	struct mp_stream *s = new_stream(MP_STREAM_NULL);

	return s ? publish(handle, e, &s->obj, MP_KIND_STREAM, pick_worker(e)) : ENOMEM;
}

int mp_engine_open_snoop(uint64_t *handle, struct mp_engine *e, uint64_t target)
{
	const struct mp_slot *slot = mp_handle_slot(e, target);
	struct mp_stream *s;

	if (!slot || slot->closing || slot->object->kind != MP_KIND_STREAM)
		return ESTALE;
	s = new_stream(MP_STREAM_SNOOP);
	if (!s)
		return ENOMEM;
	s->snoop = calloc(1, sizeof(*s->snoop));
	if (!s->snoop) {
		free(s);
		return ENOMEM;
	}
	s->snoop->owner = s;
	mp_link_init(&s->snoop->link);
	mp_link_init(&s->snoop->working);
	return publish(handle, e, &s->obj, MP_KIND_STREAM, slot->worker);
}

int mp_engine_open_socket(uint64_t *handle, struct mp_engine *e, const char *codec)
{
	const struct mp_codec *c = mp_codec_find(codec);
	struct mp_stream *s;

	if (!c)
		return EINVAL;
	s = new_stream(MP_STREAM_SOCKET);
	if (!s)
		return ENOMEM;
	s->codec = c->id;
	s->sock = mp_socket_new(s);
	if (!s->sock) {
		free(s);
		return ENOMEM;
	}
	return publish(handle, e, &s->obj, MP_KIND_STREAM, pick_worker(e));
}

int mp_engine_create_bridge(uint64_t *handle, struct mp_engine *e)
{
	struct mp_bridge *b = calloc(1, sizeof(*b));

	if (!b)
		return ENOMEM;
	mp_link_init(&b->mix_link);
	mp_link_init(&b->recorders);
	return publish(handle, e, &b->obj, MP_KIND_BRIDGE, pick_worker(e));
}

int mp_engine_create_player(uint64_t *handle, struct mp_engine *e, const struct mp_item *items,
                            size_t count, uint64_t offset_ms)
{
	struct mp_player *p = calloc(1, sizeof(*p) + count * sizeof(p->items[0]));

	if (!p)
		return ENOMEM;
	p->obj.kind = MP_KIND_PLAYER;
	p->offset_ms = offset_ms;
	for (size_t i = 0; i < count; i++, p->count++) {
		p->items[i] = items[i];
		p->items[i].text = strdup(items[i].text ? items[i].text : "");
		if (!p->items[i].text) {
			mp_player_free(p);
			return ENOMEM;
		}
	}
	return publish(handle, e, &p->obj, MP_KIND_PLAYER, 0);
}

int mp_engine_create_recorder(uint64_t *handle, struct mp_engine *e, const struct mp_recorder_conf *conf)
{
	struct mp_recorder *r = calloc(1, sizeof(*r));

	if (!r)
		return ENOMEM;
	r->path = strdup(conf->path);
	r->format = strdup(conf->format);
	r->flags = conf->flags;
	r->max_duration_ms = conf->max_duration_ms;
	r->max_silence_ms = conf->max_silence_ms;
	r->beep = conf->beep;
	mp_link_init(&r->link);
	mp_link_init(&r->working);
	if (!r->path || !r->format) {
		mp_recorder_free(r);
		return ENOMEM;
	}
	return publish(handle, e, &r->obj, MP_KIND_RECORDER, 0);
}

void mp_engine_release(struct mp_engine *e, uint64_t handle)
{
	const struct mp_slot *slot = mp_handle_slot(e, handle);

	if (slot && !slot->parent && slot->object->kind >= MP_KIND_PLAYER)
		mp_grave_add(e, handle);
}

int mp_engine_worker_of(const struct mp_engine *e, uint64_t handle)
{
	const struct mp_slot *slot = mp_handle_slot(e, handle);

	return slot ? slot->worker : -1;
}

/* -- events -------------------------------------------------------------------------------------- */

static const uint8_t EVENT_VALUES[] = {
#define MP_EVENT(name, values, hint) values,
#include "event.def"
#undef MP_EVENT
};

unsigned mp_event_values(unsigned type)
{
	return type < MP_EVENT_COUNT ? EVENT_VALUES[type] : 0;
}

static bool is_end(unsigned type)
{
	return type == MP_EVENT_CLOSED || type == MP_EVENT_PLAYER_DONE || type == MP_EVENT_RECORDER_DONE;
}

/* What the ended workers could not bring into their rings any more. */
static size_t drain_overflow(struct mp_engine *e, struct mp_event *out, size_t max)
{
	size_t got = 0;

	for (unsigned i = 0; i < e->conf.workers; i++) {
		struct mp_worker *w = &e->workers[i];

		while (got < max && w->overflow_count) {
			out[got++] = w->overflow[--w->overflow_count];
			if (is_end(out[got - 1].type))
				mp_grave_add(e, out[got - 1].handle);
		}
	}
	return got;
}

size_t mp_engine_drain(struct mp_engine *e, struct mp_event *out, size_t max)
{
	uint64_t ignored;
	size_t got = 0;

	/* Clear the flag before reading the rings: a worker that finds it set has pushed before this. */
	if (read(e->event_fd, &ignored, sizeof(ignored)) < 0 && errno != EAGAIN)
		return 0;
	atomic_exchange(&e->event_pending, false);
	for (unsigned i = 0; i < e->conf.workers; i++) {
		/* another worker comes first each time, so that a busy one can't starve the rest */
		struct mp_worker *w = &e->workers[(i + e->drain_from) % e->conf.workers];
		const struct mp_event *event;

		while (got < max && (event = mp_ring_peek(&w->events)) != NULL) {
			out[got++] = *event;
			mp_ring_advance(&w->events);
			if (is_end(out[got - 1].type))
				mp_grave_add(e, out[got - 1].handle);
		}
	}
	e->drain_from++;
	if (e->stopped)
		got += drain_overflow(e, out + got, max - got);
	mp_grave_sweep(e, false);
	return got;
}

int mp_engine_stream_stats(struct mp_stream_stats *out, const struct mp_engine *e, uint64_t handle)
{
	const struct mp_slot *slot = mp_handle_slot(e, handle);

	if (!slot || slot->object->kind != MP_KIND_STREAM)
		return ESTALE;
	mp_stats_snapshot(MP_ENTRY(slot->object, struct mp_stream, obj), out);
	return 0;
}

static void count_files(const struct mp_engine *e, mp_counter_h *h, void *arg)
{
	struct mp_fileio_stats files;
	uint64_t music = 0;

	mp_fileio_stats(e->files, &files);
	for (unsigned i = 0; i < e->conf.workers; i++)
		music += atomic_load_explicit(&e->workers[i].counters.music_sources, memory_order_relaxed);
	/* a music class keeps its place in its file: that is no leak */
	h("sources_live", files.sources_live > music ? files.sources_live - music : 0, arg);
	h("sinks_live", files.sinks_live, arg);
	h("sounds_cached", files.sounds_live, arg);
	h("sound_cache_bytes", files.cache_bytes, arg);
	h("sound_cache_hits", files.cache_hits, arg);
	h("sound_cache_misses", files.cache_misses, arg);
	h("record_overflow_samples", files.overflow_samples, arg);
}

static uint64_t sum(const struct mp_engine *e, size_t offset)
{
	uint64_t total = 0;

	for (unsigned i = 0; i < e->conf.workers; i++) {
		const char *counters = (const char *)&e->workers[i].counters;
		const _Atomic uint64_t *at = (const void *)(counters + offset);

		total += atomic_load_explicit(at, memory_order_relaxed);
	}
	return total;
}

void mp_engine_counters(struct mp_engine *e, mp_counter_h *h, void *arg)
{
#define MP_COUNTER(name) h(#name, sum(e, offsetof(struct mp_counters, name)), arg);
#include "counter.def"
#undef MP_COUNTER
	h("streams_live", e->live[MP_KIND_STREAM], arg);
	h("bridges_live", e->live[MP_KIND_BRIDGE], arg);
	h("players_live", e->live[MP_KIND_PLAYER], arg);
	h("recorders_live", e->live[MP_KIND_RECORDER], arg);
	count_files(e, h, arg);
}
