/* The slot map: a handle is a slot's index and the generation in which it was given out. */
#include <errno.h>
#include <stdlib.h>

#include "core.h"

#define MIN_SLOTS 256
#define MAX_SLOTS (1u << 20)
#define NO_SLOT   UINT32_MAX

static int grow(struct mp_engine *e)
{
	const uint32_t count = e->slot_count ? e->slot_count * 2 : MIN_SLOTS;
	struct mp_slot *slots;

	if (count > MAX_SLOTS)
		return EMFILE;
	slots = realloc(e->slots, count * sizeof(*slots));
	if (!slots)
		return ENOMEM;
	for (uint32_t i = e->slot_count; i < count; i++)
		slots[i] = (struct mp_slot){.generation = 1, .next_free = i + 1 < count ? i + 1 : NO_SLOT};
	e->slot_free = e->slot_count;
	e->slots = slots;
	e->slot_count = count;
	return 0;
}

int mp_handle_add(struct mp_engine *e, struct mp_object *o, enum mp_kind kind, unsigned worker)
{
	struct mp_slot *slot;
	int err;

	if (!e->slot_count || e->slot_free == NO_SLOT) {
		err = grow(e);
		if (err)
			return err;
	}
	slot = &e->slots[e->slot_free];
	o->kind = kind;
	o->handle = (uint64_t)slot->generation << 32 | e->slot_free;
	atomic_init(&o->worker, NULL);
	e->slot_free = slot->next_free;
	slot->object = o;
	slot->worker = (uint8_t)worker;
	slot->parent = 0;
	slot->closing = false;
	e->live[kind]++;
	return 0;
}

struct mp_slot *mp_handle_slot(const struct mp_engine *e, uint64_t handle)
{
	const uint32_t index = (uint32_t)handle;

	if (index >= e->slot_count || e->slots[index].generation != handle >> 32 || !e->slots[index].object)
		return NULL;
	return &e->slots[index];
}

void mp_handle_remove(struct mp_engine *e, uint64_t handle)
{
	struct mp_slot *slot = mp_handle_slot(e, handle);

	if (!slot)
		return;
	e->live[slot->object->kind]--;
	slot->object = NULL;
	slot->generation = slot->generation == INT32_MAX ? 1 : slot->generation + 1;
	slot->next_free = e->slot_free;
	e->slot_free = (uint32_t)handle;
}
