/* Music on hold: each class is decoded once and encoded once per codec and tick, for all its listeners. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core.h"

#define MUSIC_RATE 8000

static void close_source(struct mp_worker *w, struct mp_music *m)
{
	if (m->source)
		mp_add(&w->counters.music_sources, (uint64_t)-1);
	mp_source_close(m->source);
	m->source = NULL;
}

static void drop_files(struct mp_worker *w, struct mp_music *m)
{
	close_source(w, m);
	for (size_t i = 0; i < m->count; i++)
		free(m->paths[i]);
	free(m->paths);
	m->paths = NULL;
	m->count = 0;
}

static struct mp_music *find_exact(struct mp_worker *w, const char *name)
{
	MP_EACH(&w->music, at, after)
	{
		struct mp_music *m = MP_ENTRY(at, struct mp_music, link);

		if (strcmp(m->name, name) == 0)
			return m;
	}
	return NULL;
}

struct mp_music *mp_music_find(struct mp_worker *w, const char *name)
{
	struct mp_music *m = find_exact(w, name);

	return m ? m : find_exact(w, "default");
}

static struct mp_music *create(struct mp_worker *w, const char *name)
{
	struct mp_music *m = calloc(1, sizeof(*m));

	if (!m)
		return NULL;
	m->name = strndup(name, MP_MUSIC_NAME - 1);
	if (!m->name) {
		free(m);
		return NULL;
	}
	m->seed = 2463534242u ^ (uint32_t)w->now_us;
	mp_link_add(&w->music, &m->link);
	return m;
}

int mp_music_define(struct mp_worker *w, const char *name, const uint8_t *paths, size_t len, bool random)
{
	struct mp_music *m = find_exact(w, name);
	size_t count = 0;

	if (!m)
		m = create(w, name);
	if (!m)
		return ENOMEM;
	drop_files(w, m);
	m->random = random;
	m->index = 0;
	m->failures = 0;
	for (size_t i = 0; i < len; i++)
		count += paths[i] == 0;
	m->paths = calloc(count ? count : 1, sizeof(*m->paths));
	if (!m->paths)
		return ENOMEM;
	for (const uint8_t *at = paths; m->count < count; at += strlen((const char *)at) + 1) {
		m->paths[m->count] = strdup((const char *)at);
		if (!m->paths[m->count])
			return ENOMEM;
		m->count++;
	}
	return 0;
}

/* xorshift32: an order, no secret */
static uint32_t draw(struct mp_music *m)
{
	m->seed ^= m->seed << 13;
	m->seed ^= m->seed >> 17;
	m->seed ^= m->seed << 5;
	return m->seed;
}

static void next_file(struct mp_worker *w, struct mp_music *m)
{
	close_source(w, m);
	if (!m->count)
		return;
	if (m->random && m->count > 1)
		m->index = (m->index + 1 + draw(m) % (m->count - 1)) % m->count; /* never the same twice */
	else
		m->index = (m->index + 1) % m->count;
	if (!mp_source_open(&m->source, w->engine->files, m->paths[m->index], NULL, MUSIC_RATE, 0))
		mp_add(&w->counters.music_sources, 1);
}

/* Fill the tick's frame; a file that can't be played gives its turn to the next one, one per tick. */
static void read_frame(struct mp_worker *w, struct mp_music *m)
{
	const size_t n = MUSIC_RATE / MP_FRAMES_PER_S;
	size_t got = 0;

	if (!m->source && m->count) {
		m->index = m->random ? m->index : m->count - 1;
		next_file(w, m);
	}
	for (int turn = 0; turn < 2 && got < n && m->source; turn++) {
		got += mp_source_read(m->source, m->frame + got, n - got);
		if (got == n)
			break;
		const enum mp_source_state state = mp_source_state(m->source);
		if (state != MP_SOURCE_END && state != MP_SOURCE_ERROR)
			break;
		if (m->count == 1 && state == MP_SOURCE_END && mp_source_position_ms(m->source))
			mp_source_seek(m->source, 0);
		else
			next_file(w, m);
	}
	memset(m->frame + got, 0, (n - got) * sizeof(m->frame[0]));
}

static void begin_tick(struct mp_worker *w, struct mp_music *m)
{
	if (m->tick == w->tick)
		return;
	m->tick = w->tick;
	m->has_wide = false;
	memset(m->encoded_len, 0, sizeof(m->encoded_len));
	read_frame(w, m);
}

const int16_t *mp_music_frame(struct mp_worker *w, struct mp_music *m, uint32_t rate)
{
	size_t in = MUSIC_RATE / MP_FRAMES_PER_S, out = MP_FRAME_MAX;

	begin_tick(w, m);
	if (rate == MUSIC_RATE)
		return m->frame;
	if (m->has_wide)
		return m->wide;
	m->has_wide = true;
	memset(m->wide, 0, sizeof(m->wide));
	if (!m->up && mp_resampler_open(&m->up, MUSIC_RATE, MP_MAX_RATE))
		MP_COUNT(w, no_memory);
	if (m->up)
		(void)mp_resampler_process(m->up, m->frame, &in, m->wide, &out);
	return m->wide;
}

const uint8_t *mp_music_encoded(struct mp_worker *w, struct mp_music *m, enum mp_codec_id codec,
                                size_t *len)
{
	const struct mp_codec *c = mp_codec_get(codec);
	const int16_t *pcm = mp_music_frame(w, m, c->rate);

	if (!m->encoded_len[codec])
		m->encoded_len[codec] = (uint16_t)c->encode(pcm, c->rate / MP_FRAMES_PER_S,
		                                            m->encoded[codec], sizeof(m->encoded[codec]));
	*len = m->encoded_len[codec];
	return m->encoded[codec];
}

void mp_music_close(struct mp_worker *w)
{
	MP_EACH(&w->music, at, after)
	{
		struct mp_music *m = MP_ENTRY(at, struct mp_music, link);

		mp_link_remove(&m->link);
		drop_files(w, m);
		mp_resampler_close(m->up);
		free(m->name);
		free(m);
	}
}
