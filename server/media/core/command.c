/*
 * Commands on the worker, and the moving of groups between workers.
 *
 * Order. The control thread submits to the worker that will have the object by then, right after the MOVE
 * that brings it. When a command finds its object still on the way, the whole ring waits. That can't
 * deadlock: the MOVE was submitted before the command that waits for it, so in the order of submission the
 * oldest waiting command always waits for a MOVE that can run.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core.h"

#define STREAM(o)   MP_ENTRY(o, struct mp_stream, obj)
#define BRIDGE(o)   MP_ENTRY(o, struct mp_bridge, obj)
#define PLAYER(o)   MP_ENTRY(o, struct mp_player, obj)
#define RECORDER(o) MP_ENTRY(o, struct mp_recorder, obj)

typedef int(command_h)(struct mp_worker *w, const struct mp_cmd *c);

/* -- moving -------------------------------------------------------------------------------------- */

static void detach(struct mp_worker *w, struct mp_object *o)
{
	if (o->kind == MP_KIND_STREAM)
		mp_stream_detach(w, STREAM(o));
	else
		mp_bridge_detach(w, BRIDGE(o));
}

static void deliver(struct mp_worker *to, struct mp_inbox_item *item)
{
	struct mp_inbox_item **end;

	pthread_mutex_lock(&to->mtx);
	for (end = &to->inbox; *end; end = &(*end)->next)
		;
	*end = item;
	pthread_mutex_unlock(&to->mtx);
	mp_worker_wake(to);
}

static void include(struct mp_inbox_item *group, size_t most, struct mp_object *o)
{
	for (size_t i = 0; i < group->count; i++) {
		if (group->objects[i] == o)
			return;
	}
	if (group->count < most)
		group->objects[group->count++] = o;
}

/* What must share its worker, as Python's _group says. */
static void include_tied_to_stream(struct mp_inbox_item *group, size_t most, const struct mp_stream *s)
{
	if (s->bridge)
		include(group, most, &s->bridge->obj);
	if (s->pair)
		include(group, most, &s->pair->obj);
	if (s->snoop && s->snoop->target)
		include(group, most, &s->snoop->target->obj);
	MP_EACH(&s->snoops, at, after)
	include(group, most, &MP_ENTRY(at, struct mp_snoop, link)->owner->obj);
}

static void include_members(struct mp_inbox_item *group, size_t most, const struct mp_bridge *b)
{
	for (size_t i = 0; i < b->count; i++)
		include(group, most, &b->members[i]->obj);
}

static int move_group(struct mp_worker *w, const struct mp_cmd *c)
{
	struct mp_engine *e = w->engine;
	const size_t most = c->bytes_len / sizeof(uint64_t);
	struct mp_inbox_item *item = calloc(1, sizeof(*item) + most * sizeof(item->objects[0]));

	if (!item) { /* without memory the group stays, and is closed with the engine */
		MP_COUNT(w, no_memory);
		return ENOMEM;
	}
	include(item, most, c->object);
	for (size_t i = 0; i < item->count; i++) {
		if (item->objects[i]->kind == MP_KIND_STREAM)
			include_tied_to_stream(item, most, STREAM(item->objects[i]));
		else
			include_members(item, most, BRIDGE(item->objects[i]));
	}
	for (size_t i = 0; i < item->count; i++)
		detach(w, item->objects[i]);
	deliver(&e->workers[c->i[0]], item);
	return 0;
}

void mp_worker_adopt(struct mp_worker *w)
{
	struct mp_inbox_item *item;

	pthread_mutex_lock(&w->mtx);
	item = w->inbox;
	w->inbox = NULL;
	pthread_mutex_unlock(&w->mtx);
	while (item) {
		struct mp_inbox_item *next = item->next;

		for (size_t i = 0; i < item->count; i++) {
			struct mp_object *o = item->objects[i];

			if (o->kind == MP_KIND_STREAM)
				mp_stream_attach(w, STREAM(o));
			else
				mp_bridge_attach(w, BRIDGE(o));
		}
		for (size_t i = 0; i < item->count; i++) {
			if (item->objects[i]->kind == MP_KIND_BRIDGE)
				mp_bridge_update(BRIDGE(item->objects[i]));
		}
		free(item);
		item = next;
	}
}

/* -- one function per command -------------------------------------------------------------------- */

static int stream_open(struct mp_worker *w, const struct mp_cmd *c)
{
	mp_stream_open(w, STREAM(c->object));
	return 0;
}

static int stream_close(struct mp_worker *w, const struct mp_cmd *c)
{
	(void)w;
	mp_stream_close(STREAM(c->object));
	return 0;
}

static int stream_configure(struct mp_worker *w, const struct mp_cmd *c)
{
	(void)w;
	mp_stream_configure(STREAM(c->object), c);
	return 0;
}

static int stream_mute(struct mp_worker *w, const struct mp_cmd *c)
{
	struct mp_stream *s = STREAM(c->object);

	(void)w;
	if (c->i[0] >= 0)
		s->mute_in = c->i[0] != 0;
	if (c->i[1] >= 0)
		s->mute_out = c->i[1] != 0;
	return 0;
}

static int stream_drop(struct mp_worker *w, const struct mp_cmd *c)
{
	struct mp_stream *s = STREAM(c->object);

	(void)w;
	if (c->i[0] & MP_TAP_IN)
		s->drop_in = (uint8_t)c->i[1];
	if (c->i[0] & MP_TAP_OUT)
		s->drop_out = (uint8_t)c->i[1];
	return 0;
}

static int stream_effect(struct mp_worker *w, const struct mp_cmd *c)
{
	(void)w;
	return mp_stream_effect(STREAM(c->object), (enum mp_tap)c->i[0], (enum mp_effect)c->i[1],
	                        (int32_t)c->i[2]);
}

static int stream_jitter(struct mp_worker *w, const struct mp_cmd *c)
{
	(void)w;
	mp_stream_jitter(STREAM(c->object), c->i[0] != 0, (uint32_t)c->i[1], (uint32_t)c->i[2]);
	return 0;
}

static int stream_talk_detect(struct mp_worker *w, const struct mp_cmd *c)
{
	(void)w;
	return mp_stream_talk_detect(STREAM(c->object), c->i[0] != 0, (uint32_t)c->i[1], (uint32_t)c->i[2]);
}

static int stream_dtmf_detect(struct mp_worker *w, const struct mp_cmd *c)
{
	(void)w;
	return mp_stream_dtmf_detect(STREAM(c->object), c->i[0] != 0);
}

static int stream_scan(struct mp_worker *w, const struct mp_cmd *c)
{
	(void)w;
	return mp_stream_scan(STREAM(c->object), c);
}

static int stream_trace(struct mp_worker *w, const struct mp_cmd *c)
{
	(void)w;
	if (!STREAM(c->object)->rtp)
		return ENOTSUP;
	STREAM(c->object)->rtp->trace = c->i[0] != 0;
	return 0;
}

/* Answered when the last digit is out, not here. */
static int stream_send_dtmf(struct mp_worker *w, const struct mp_cmd *c)
{
	(void)w;
	return mp_dtmf_send(STREAM(c->object), c->text[0], c->i, c->cookie);
}

static int stream_receive_dtmf(struct mp_worker *w, const struct mp_cmd *c)
{
	(void)w;
	mp_dtmf_forward(STREAM(c->object), (char)c->i[0], (uint32_t)c->i[1]);
	return 0;
}

static int stream_background(struct mp_worker *w, const struct mp_cmd *c)
{
	(void)w;
	return mp_background_set(STREAM(c->object), (enum mp_background)c->i[0], c->text[0]);
}

static int stream_snoop(struct mp_worker *w, const struct mp_cmd *c)
{
	(void)w;
	return mp_snoop_link(STREAM(c->object), STREAM(c->second), (uint8_t)c->i[0], (uint8_t)c->i[1]);
}

static int stream_snoop_tune(struct mp_worker *w, const struct mp_cmd *c)
{
	(void)w;
	return mp_snoop_tune(STREAM(c->object), c);
}

static int stream_connect(struct mp_worker *w, const struct mp_cmd *c)
{
	struct mp_stream *s = STREAM(c->object);

	(void)w;
	return s->sock ? mp_socket_connect(s->sock, c) : ENOTSUP;
}

static int stream_play(struct mp_worker *w, const struct mp_cmd *c)
{
	struct mp_stream *s = STREAM(c->object);
	struct mp_player *p = PLAYER(c->second);

	atomic_store_explicit(&p->obj.worker, w, memory_order_release);
	if (s->player)
		mp_player_end(s->player, MP_END_STOPPED, 0);
	mp_player_start(p, s, NULL, mp_stream_rate(s));
	mp_stream_update(s);
	return 0;
}

static int stream_record(struct mp_worker *w, const struct mp_cmd *c)
{
	struct mp_stream *s = STREAM(c->object);
	struct mp_recorder *r = RECORDER(c->second);

	atomic_store_explicit(&r->obj.worker, w, memory_order_release);
	mp_recorder_start(r, w, s, NULL, mp_stream_rate(s));
	mp_stream_update(s);
	return 0;
}

static int player_pause(struct mp_worker *w, const struct mp_cmd *c)
{
	(void)w;
	PLAYER(c->object)->paused = c->i[0] != 0;
	return 0;
}

static int player_restart(struct mp_worker *w, const struct mp_cmd *c)
{
	(void)w;
	mp_player_restart(PLAYER(c->object));
	return 0;
}

static int player_seek(struct mp_worker *w, const struct mp_cmd *c)
{
	(void)w;
	mp_player_seek(PLAYER(c->object), c->i[0]);
	return 0;
}

static int player_stop(struct mp_worker *w, const struct mp_cmd *c)
{
	(void)w;
	mp_player_end(PLAYER(c->object), MP_END_STOPPED, 0);
	return 0;
}

static int recorder_pause(struct mp_worker *w, const struct mp_cmd *c)
{
	(void)w;
	RECORDER(c->object)->paused = c->i[0] != 0;
	return 0;
}

static int recorder_mute(struct mp_worker *w, const struct mp_cmd *c)
{
	(void)w;
	RECORDER(c->object)->muted = c->i[0] != 0;
	return 0;
}

static int recorder_stop(struct mp_worker *w, const struct mp_cmd *c)
{
	(void)w;
	mp_recorder_finish(RECORDER(c->object), MP_END_STOPPED);
	return 0;
}

static int bridge_open(struct mp_worker *w, const struct mp_cmd *c)
{
	mp_bridge_attach(w, BRIDGE(c->object));
	return 0;
}

static int bridge_close(struct mp_worker *w, const struct mp_cmd *c)
{
	(void)w;
	mp_bridge_close(BRIDGE(c->object));
	return 0;
}

static int bridge_add(struct mp_worker *w, const struct mp_cmd *c)
{
	(void)w;
	return mp_bridge_add(BRIDGE(c->object), STREAM(c->second), c->i[0] != 0, (enum mp_role)c->i[1]);
}

static int bridge_remove(struct mp_worker *w, const struct mp_cmd *c)
{
	(void)w;
	mp_bridge_remove(BRIDGE(c->object), STREAM(c->second));
	return 0;
}

static int bridge_holding(struct mp_worker *w, const struct mp_cmd *c)
{
	(void)w;
	BRIDGE(c->object)->holding = c->i[0] != 0;
	mp_bridge_update(BRIDGE(c->object));
	return 0;
}

static int bridge_play(struct mp_worker *w, const struct mp_cmd *c)
{
	struct mp_bridge *b = BRIDGE(c->object);
	struct mp_player *p = PLAYER(c->second);

	atomic_store_explicit(&p->obj.worker, w, memory_order_release);
	if (b->player)
		mp_player_end(b->player, MP_END_STOPPED, 0);
	mp_player_start(p, NULL, b, b->rate);
	mp_bridge_update(b);
	return 0;
}

static int bridge_record(struct mp_worker *w, const struct mp_cmd *c)
{
	struct mp_bridge *b = BRIDGE(c->object);
	struct mp_recorder *r = RECORDER(c->second);

	atomic_store_explicit(&r->obj.worker, w, memory_order_release);
	mp_recorder_start(r, w, NULL, b, b->rate);
	mp_bridge_update(b);
	return 0;
}

static int bridge_music(struct mp_worker *w, const struct mp_cmd *c)
{
	struct mp_bridge *b = BRIDGE(c->object);

	strncpy(b->music_name, c->text[0], sizeof(b->music_name) - 1);
	b->music = *b->music_name ? mp_music_find(w, b->music_name) : NULL;
	mp_bridge_update(b);
	return 0;
}

static int bridge_dtmf(struct mp_worker *w, const struct mp_cmd *c)
{
	(void)w;
	STREAM(c->second)->dtmf_pass = c->i[0] != 0;
	return 0;
}

static int music_define(struct mp_worker *w, const struct mp_cmd *c)
{
	return mp_music_define(w, c->text[0], c->bytes, c->bytes_len, c->i[0] != 0);
}

static command_h *const HANDLERS[MP_CMD_COUNT] = {
        [MP_CMD_STREAM_OPEN] = stream_open,
        [MP_CMD_STREAM_CLOSE] = stream_close,
        [MP_CMD_STREAM_CONFIGURE] = stream_configure,
        [MP_CMD_STREAM_MUTE] = stream_mute,
        [MP_CMD_STREAM_DROP] = stream_drop,
        [MP_CMD_STREAM_EFFECT] = stream_effect,
        [MP_CMD_STREAM_JITTER] = stream_jitter,
        [MP_CMD_STREAM_TALK_DETECT] = stream_talk_detect,
        [MP_CMD_STREAM_DTMF_DETECT] = stream_dtmf_detect,
        [MP_CMD_STREAM_SCAN] = stream_scan,
        [MP_CMD_STREAM_TRACE] = stream_trace,
        [MP_CMD_STREAM_SEND_DTMF] = stream_send_dtmf,
        [MP_CMD_STREAM_RECEIVE_DTMF] = stream_receive_dtmf,
        [MP_CMD_STREAM_BACKGROUND] = stream_background,
        [MP_CMD_STREAM_SNOOP] = stream_snoop,
        [MP_CMD_STREAM_SNOOP_TUNE] = stream_snoop_tune,
        [MP_CMD_STREAM_CONNECT] = stream_connect,
        [MP_CMD_STREAM_PLAY] = stream_play,
        [MP_CMD_STREAM_RECORD] = stream_record,
        [MP_CMD_PLAYER_PAUSE] = player_pause,
        [MP_CMD_PLAYER_RESTART] = player_restart,
        [MP_CMD_PLAYER_SEEK] = player_seek,
        [MP_CMD_PLAYER_STOP] = player_stop,
        [MP_CMD_RECORDER_PAUSE] = recorder_pause,
        [MP_CMD_RECORDER_MUTE] = recorder_mute,
        [MP_CMD_RECORDER_STOP] = recorder_stop,
        [MP_CMD_BRIDGE_OPEN] = bridge_open,
        [MP_CMD_BRIDGE_CLOSE] = bridge_close,
        [MP_CMD_BRIDGE_ADD] = bridge_add,
        [MP_CMD_BRIDGE_REMOVE] = bridge_remove,
        [MP_CMD_BRIDGE_HOLDING] = bridge_holding,
        [MP_CMD_BRIDGE_PLAY] = bridge_play,
        [MP_CMD_BRIDGE_RECORD] = bridge_record,
        [MP_CMD_BRIDGE_MUSIC] = bridge_music,
        [MP_CMD_BRIDGE_DTMF] = bridge_dtmf,
        [MP_CMD_MUSIC_DEFINE] = music_define,
        [MP_CMD_MOVE] = move_group,
};

static bool is_here(const struct mp_worker *w, const struct mp_object *o)
{
	return atomic_load_explicit(&o->worker, memory_order_acquire) == w;
}

enum readiness { RUN, WAIT, SKIP };

static enum readiness readiness(const struct mp_worker *w, const struct mp_cmd *c)
{
	if (c->op == MP_CMD_STREAM_OPEN || c->op == MP_CMD_BRIDGE_OPEN || c->op == MP_CMD_MUSIC_DEFINE)
		return RUN;
	if (c->object->kind >= MP_KIND_PLAYER) { /* `second` is what it was attached to */
		if (!is_here(w, c->second))
			return WAIT;
		return is_here(w, c->object) ? RUN : SKIP; /* it has ended elsewhere */
	}
	if (!is_here(w, c->object))
		return WAIT;
	if (c->second && c->second->kind == MP_KIND_STREAM && !is_here(w, c->second))
		return WAIT;
	return RUN;
}

/* Returns false when the ring waits for a group on its way here. */
bool mp_commands_run(struct mp_worker *w)
{
	struct mp_cmd *c;

	mp_worker_adopt(w);
	while ((c = mp_ring_peek(&w->commands)) != NULL) {
		const enum readiness what = readiness(w, c);
		int err = 0;

		if (what == WAIT)
			return false;
		if (what == RUN)
			err = HANDLERS[c->op](w, c);
		if (c->cookie && (c->op != MP_CMD_STREAM_SEND_DTMF || err))
			mp_worker_emit(w, MP_EVENT_COMPLETED, c->handle, (int64_t)c->cookie, err, 0, 0, 0);
		mp_cmd_free(c);
		mp_ring_advance(&w->commands);
	}
	return true;
}
