/* Objects that have ended and wait until no ring can name them any more. */
#include <stdlib.h>

#include "core.h"

void mp_object_free(struct mp_object *o)
{
	switch (o->kind) {
	case MP_KIND_STREAM:
		mp_stream_free(MP_ENTRY(o, struct mp_stream, obj));
		break;
	case MP_KIND_BRIDGE:
		mp_bridge_free(MP_ENTRY(o, struct mp_bridge, obj));
		break;
	case MP_KIND_PLAYER:
		mp_player_free(MP_ENTRY(o, struct mp_player, obj));
		break;
	case MP_KIND_RECORDER:
		mp_recorder_free(MP_ENTRY(o, struct mp_recorder, obj));
		break;
	case MP_KIND_NONE:
		break;
	}
}

static bool is_past(const struct mp_engine *e, const struct mp_grave *g)
{
	for (unsigned i = 0; i < e->conf.workers; i++) {
		const size_t tail =
		        atomic_load_explicit(&e->workers[i].commands.tail, memory_order_acquire);

		if ((ptrdiff_t)(tail - g->heads[i]) < 0)
			return false;
	}
	return true;
}

void mp_grave_sweep(struct mp_engine *e, bool all)
{
	while (e->graves && (all || is_past(e, e->graves))) {
		struct mp_grave *g = e->graves;

		e->graves = g->next;
		mp_object_free(g->object);
		free(g);
	}
	if (!e->graves)
		e->last_grave = &e->graves;
}

/* The object has ended on its worker: its handle goes at once, its memory when it is safe. */
void mp_grave_add(struct mp_engine *e, uint64_t handle)
{
	struct mp_slot *slot = mp_handle_slot(e, handle);
	struct mp_object *object = slot ? slot->object : NULL;
	struct mp_grave *g;

	if (!object)
		return;
	mp_handle_remove(e, handle);
	g = malloc(sizeof(*g) + e->conf.workers * sizeof(g->heads[0]));
	if (!g)
		return; /* leaking it is the only safe thing left */
	g->next = NULL;
	g->object = object;
	for (unsigned i = 0; i < e->conf.workers; i++)
		g->heads[i] = atomic_load_explicit(&e->workers[i].commands.head, memory_order_relaxed);
	*e->last_grave = g;
	e->last_grave = &g->next;
}
