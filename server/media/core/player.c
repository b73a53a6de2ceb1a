/* Plays files, tones and silence one after the other, without a gap between them. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core.h"

static struct mp_worker *worker(const struct mp_player *p)
{
	return mp_worker_of(p->stream ? &p->stream->obj : &p->bridge->obj);
}

static bool is_over(const struct mp_player *p)
{
	return !p->stream && !p->bridge;
}

static const struct mp_item *item(const struct mp_player *p)
{
	return &p->items[p->index];
}

static void close_item(struct mp_player *p)
{
	mp_source_close(p->source);
	p->source = NULL;
	free(p->tones);
	p->tones = NULL;
	p->played = 0;
}

static void close_all(struct mp_player *p)
{
	close_item(p);
	mp_source_close(p->ahead);
	p->ahead = NULL;
}

static uint64_t position_ms(const struct mp_player *p)
{
	if (p->source)
		return mp_source_position_ms(p->source);
	return p->rate ? p->played * 1000 / p->rate : 0;
}

static int open_tone(struct mp_player *p)
{
	int err;

	p->tones = malloc(sizeof(*p->tones));
	if (!p->tones)
		return ENOMEM;
	err = mp_tone_parse(p->tones, item(p)->text, strlen(item(p)->text));
	return err ? err : mp_tonegen_init(&p->gen, p->tones, p->rate);
}

static void look_ahead(struct mp_player *p)
{
	const struct mp_item *next = p->index + 1 < p->count ? &p->items[p->index + 1] : NULL;

	mp_source_close(p->ahead);
	p->ahead = NULL;
	if (next && next->kind == MP_ITEM_FILE) /* a failure shows when its turn comes */
		(void)mp_source_open(&p->ahead, worker(p)->engine->files, next->text, NULL, p->rate, 0);
}

static int open_item(struct mp_player *p, uint64_t at_ms)
{
	int err = 0;

	close_item(p);
	if (item(p)->kind == MP_ITEM_FILE && p->ahead) {
		p->source = p->ahead;
		p->ahead = NULL;
	} else if (item(p)->kind == MP_ITEM_FILE)
		err = mp_source_open(&p->source, worker(p)->engine->files, item(p)->text, NULL, p->rate,
		                     at_ms);
	else if (item(p)->kind == MP_ITEM_TONE)
		err = open_tone(p);
	look_ahead(p);
	return err;
}

static void begin_item(struct mp_player *p, uint64_t at_ms)
{
	const int err = open_item(p, at_ms);

	if (err)
		mp_player_end(p, MP_END_FAILED, err);
	else
		mp_worker_emit(worker(p), MP_EVENT_PLAYER_ITEM, p->obj.handle, (int64_t)p->index, 0, 0, 0,
		               0);
}

void mp_player_start(struct mp_player *p, struct mp_stream *s, struct mp_bridge *b, uint32_t rate)
{
	p->stream = s;
	p->bridge = b;
	p->rate = rate;
	if (s)
		s->player = p;
	else
		b->player = p;
	begin_item(p, p->offset_ms);
}

/* Let go of it; the control thread frees it when it hears of it. */
void mp_player_end(struct mp_player *p, enum mp_end reason, int error)
{
	struct mp_stream *s = p->stream;
	struct mp_bridge *b = p->bridge;

	if (is_over(p))
		return;
	mp_worker_emit(worker(p), MP_EVENT_PLAYER_DONE, p->obj.handle, reason, (int64_t)position_ms(p),
	               error, 0, 0);
	close_all(p);
	p->stream = NULL;
	p->bridge = NULL;
	if (s) {
		s->player = NULL;
		mp_stream_update(s);
	} else {
		b->player = NULL;
		if (!b->in_tick) /* else the mixer does it when it no longer needs its members' frames */
			mp_bridge_update(b);
	}
}

void mp_player_set_rate(struct mp_player *p, uint32_t rate)
{
	const uint64_t at_ms = position_ms(p);

	if (p->rate == rate || is_over(p))
		return;
	p->rate = rate;
	close_all(p);
	if (open_item(p, at_ms))
		mp_player_end(p, MP_END_FAILED, ENOMEM);
}

static size_t read_timed(struct mp_player *p, int16_t *pcm, size_t n)
{
	const uint64_t length = (uint64_t)item(p)->ms * p->rate / 1000;
	const bool is_limited = item(p)->ms || item(p)->kind == MP_ITEM_SILENCE;

	if (is_limited && length - p->played < n)
		n = (size_t)(length - p->played);
	if (item(p)->kind == MP_ITEM_TONE)
		n = mp_tonegen_read(&p->gen, pcm, n);
	else
		memset(pcm, 0, n * sizeof(*pcm));
	p->played += n;
	return n;
}

enum outcome { MORE, LATER, ENDED, BROKEN };

static enum outcome read_item(struct mp_player *p, int16_t *pcm, size_t n, size_t *got)
{
	if (!p->source) {
		*got = read_timed(p, pcm, n);
		return *got < n ? ENDED : MORE;
	}
	*got = mp_source_read(p->source, pcm, n);
	if (*got == n)
		return MORE;
	switch (mp_source_state(p->source)) {
	case MP_SOURCE_END:
		return ENDED;
	case MP_SOURCE_ERROR:
		return BROKEN;
	case MP_SOURCE_STARVED:
		MP_COUNT(worker(p), source_starved);
		return LATER;
	default:
		return LATER;
	}
}

/* The present item has ended. Returns whether there is another. */
static bool advance(struct mp_player *p)
{
	if (p->index + 1 == p->count) {
		mp_player_end(p, MP_END_FINISHED, 0);
		return false;
	}
	p->index++;
	begin_item(p, 0);
	return !is_over(p);
}

/*
 * Fill a frame. Returns false when there is nothing to send: the first file is not open yet, or all has
 * ended before this frame; the player may be over afterwards.
 */
bool mp_player_read(struct mp_player *p, int16_t *pcm, size_t n)
{
	size_t at = 0, got = 0;

	if (p->paused) {
		memset(pcm, 0, n * sizeof(*pcm));
		return true;
	}
	while (at < n) {
		const enum outcome what = read_item(p, pcm + at, n - at, &got);

		at += got;
		if (what == MORE || what == LATER)
			break;
		if (what == BROKEN) {
			mp_player_end(p, MP_END_FAILED, mp_source_error(p->source));
			break;
		}
		if (!advance(p))
			break;
	}
	if (at)
		p->started = true;
	memset(pcm + at, 0, (n - at) * sizeof(*pcm));
	return at || (p->started && !is_over(p));
}

void mp_player_restart(struct mp_player *p)
{
	if (is_over(p))
		return;
	if (p->source)
		mp_source_seek(p->source, 0);
	else if (item(p)->kind != MP_ITEM_FILE && open_item(p, 0))
		mp_player_end(p, MP_END_FAILED, ENOMEM);
}

void mp_player_seek(struct mp_player *p, int64_t delta_ms)
{
	const int64_t to = is_over(p) ? 0 : (int64_t)position_ms(p) + delta_ms;

	if (is_over(p) || !p->source) /* tones and silence have no inside to go to */
		return;
	mp_source_seek(p->source, to > 0 ? (uint64_t)to : 0);
}

/* Control thread, when no worker has it. */
void mp_player_free(struct mp_player *p)
{
	if (!p)
		return;
	close_all(p);
	for (size_t i = 0; i < p->count; i++)
		free((void *)(uintptr_t)p->items[i].text);
	free(p);
}
