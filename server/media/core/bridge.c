/* Who hears whom, and whether packets can be relayed instead of mixed. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core.h"

bool mp_bridge_talks(const struct mp_bridge *b, const struct mp_stream *s)
{
	if (s->bridge_mute || s->role == MP_ROLE_LISTENER)
		return false;
	return !b->holding || s->role == MP_ROLE_ANNOUNCER;
}

bool mp_bridge_hears(const struct mp_bridge *b, const struct mp_stream *s)
{
	return !b->holding || s->role != MP_ROLE_ANNOUNCER;
}

/* Two members whose packets fit each other, and nobody who needs the decoded mix. */
static bool can_relay(const struct mp_bridge *b)
{
	return b->count == 2 && !mp_stream_needs_frames(b->members[0]) &&
	       !mp_stream_needs_frames(b->members[1]) && !b->holding && !b->player && !b->music &&
	       !mp_link_is_in(&b->recorders) &&
	       mp_stream_rate(b->members[0]) == mp_stream_rate(b->members[1]);
}

static bool must_mix(const struct mp_bridge *b)
{
	return b->player || b->music || mp_link_is_in(&b->recorders) || b->count > 2 ||
	       (b->count == 2 && !can_relay(b) && !b->holding) || (b->holding && b->count > 1);
}

static uint32_t best_rate(const struct mp_bridge *b)
{
	uint32_t rate = 8000;

	for (size_t i = 0; i < b->count; i++) {
		if (mp_stream_rate(b->members[i]) > rate)
			rate = mp_stream_rate(b->members[i]);
	}
	return rate;
}

static void unlink_relay(struct mp_bridge *b)
{
	for (size_t i = 0; i < b->count; i++)
		b->members[i]->relay = NULL;
}

/* A member that only listens is not relayed to its peer. */
static void link_relay(struct mp_bridge *b)
{
	struct mp_stream *a = b->members[0], *c = b->members[1];

	a->relay = mp_bridge_talks(b, a) ? c : NULL;
	c->relay = mp_bridge_talks(b, c) ? a : NULL;
}

/* Call it when members, roles, codecs or sources changed: choose between relay, mixer and nothing. */
void mp_bridge_update(struct mp_bridge *b)
{
	struct mp_worker *w = mp_worker_of(&b->obj);
	const bool mixes = must_mix(b);
	const uint32_t rate = best_rate(b);

	unlink_relay(b);
	if (rate != b->rate && b->player)
		mp_player_set_rate(b->player, rate);
	b->rate = rate;
	if (mixes && !mp_link_is_in(&b->mix_link))
		mp_link_add(&w->mixing, &b->mix_link);
	else if (!mixes && mp_link_is_in(&b->mix_link))
		mp_link_remove(&b->mix_link);
	if (can_relay(b))
		link_relay(b);
	for (size_t i = 0; i < b->count; i++)
		mp_stream_update(b->members[i]);
	if (mixes)
		mp_worker_need_tick(w);
}

int mp_bridge_add(struct mp_bridge *b, struct mp_stream *s, bool mute, enum mp_role role)
{
	if (s->bridge && s->bridge != b)
		return EBUSY;
	if (!s->bridge) {
		if (b->count == b->room) {
			const size_t room = b->room ? b->room * 2 : 4;
			struct mp_stream **members = realloc(b->members, room * sizeof(struct mp_stream *));

			if (!members)
				return ENOMEM;
			b->members = members;
			b->room = room;
		}
		b->members[b->count++] = s;
		s->bridge = b;
		s->dtmf_pass = true;
	}
	s->bridge_mute = mute;
	s->role = (uint8_t)role;
	mp_bridge_update(b);
	return 0;
}

void mp_bridge_remove(struct mp_bridge *b, struct mp_stream *s)
{
	size_t at = 0;

	if (s->bridge != b)
		return;
	unlink_relay(b);
	while (b->members[at] != s)
		at++;
	memmove(b->members + at, b->members + at + 1, (b->count - at - 1) * sizeof(struct mp_stream *));
	b->count--;
	s->bridge = NULL;
	s->relay = NULL;
	s->bridge_mute = false;
	s->role = MP_ROLE_PARTICIPANT;
	mp_stream_update(s);
	mp_bridge_update(b);
}

void mp_bridge_attach(struct mp_worker *w, struct mp_bridge *b)
{
	atomic_store_explicit(&b->obj.worker, w, memory_order_release);
	if (b->player)
		atomic_store_explicit(&b->player->obj.worker, w, memory_order_release);
	MP_EACH(&b->recorders, at, after)
	{
		struct mp_recorder *r = MP_ENTRY(at, struct mp_recorder, link);

		atomic_store_explicit(&r->obj.worker, w, memory_order_release);
		mp_link_add(&w->recorders, &r->working);
		mp_worker_need_tick(w);
	}
	if (*b->music_name)
		b->music = mp_music_find(w, b->music_name);
	b->rate = best_rate(b);
}

void mp_bridge_detach(struct mp_worker *w, struct mp_bridge *b)
{
	(void)w;
	mp_link_remove(&b->mix_link);
	MP_EACH(&b->recorders, at, after)
	mp_link_remove(&MP_ENTRY(at, struct mp_recorder, link)->working);
	b->music = NULL;
	atomic_store_explicit(&b->obj.worker, NULL, memory_order_release);
}

void mp_bridge_close(struct mp_bridge *b)
{
	struct mp_worker *w = mp_worker_of(&b->obj);

	while (b->count)
		mp_bridge_remove(b, b->members[b->count - 1]);
	if (b->player)
		mp_player_end(b->player, MP_END_STOPPED, 0);
	MP_EACH(&b->recorders, at, after)
	mp_recorder_finish(MP_ENTRY(at, struct mp_recorder, link), MP_END_CLOSED);
	b->music = NULL;
	if (mp_link_is_in(&b->mix_link))
		mp_link_remove(&b->mix_link);
	mp_worker_emit(w, MP_EVENT_CLOSED, b->obj.handle, 0, 0, 0, 0, 0);
}

/* Control thread, when no worker has it. */
void mp_bridge_free(struct mp_bridge *b)
{
	free(b->members);
	free(b);
}
