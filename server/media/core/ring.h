/*
 * A bounded ring between one producer and one consumer thread, for records of one size.
 *
 * `head` is written by the producer only, `tail` by the consumer only. The producer's release store of
 * `head` publishes the record to the consumer's acquire load; the consumer's release store of `tail`
 * gives the slot back to the producer's acquire load. The producer may stage several records and publish
 * them together: until then the consumer sees none of them.
 */
#ifndef MP_RING_H
#define MP_RING_H

#include <errno.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct mp_ring {
	/* set at open, then read-only */
	uint8_t *slots;
	size_t size; /* bytes of a record */
	size_t mask; /* slots - 1 */
	/* producer */
	size_t staged; /* what `head` will be */
	/* atomic */
	_Alignas(64) _Atomic size_t head;
	_Alignas(64) _Atomic size_t tail;
};

/* count: a power of two. Returns 0, EINVAL, ENOMEM. */
static inline int mp_ring_open(struct mp_ring *r, size_t size, size_t count)
{
	if (!size || !count || (count & (count - 1)))
		return EINVAL;
	r->slots = calloc(count, size);
	if (!r->slots)
		return ENOMEM;
	r->size = size;
	r->mask = count - 1;
	r->staged = 0;
	atomic_init(&r->head, 0);
	atomic_init(&r->tail, 0);
	return 0;
}

static inline void mp_ring_close(struct mp_ring *r)
{
	free(r->slots);
	r->slots = NULL;
}

/* Producer: free slots. */
static inline size_t mp_ring_room(struct mp_ring *r)
{
	return r->mask + 1 - (r->staged - atomic_load_explicit(&r->tail, memory_order_acquire));
}

/* Producer: add a record that mp_ring_publish will show. Returns 0 or EAGAIN (full). */
static inline int mp_ring_stage(struct mp_ring *r, const void *record)
{
	if (!mp_ring_room(r))
		return EAGAIN;
	memcpy(r->slots + (r->staged++ & r->mask) * r->size, record, r->size);
	return 0;
}

/* Producer: show the consumer what was staged. */
static inline void mp_ring_publish(struct mp_ring *r)
{
	atomic_store_explicit(&r->head, r->staged, memory_order_release);
}

/* Producer: stage and publish one record. Returns 0 or EAGAIN (full). */
static inline int mp_ring_push(struct mp_ring *r, const void *record)
{
	const int err = mp_ring_stage(r, record);

	if (!err)
		mp_ring_publish(r);
	return err;
}

/* Consumer: the oldest record, NULL if there is none; it stays valid until mp_ring_advance. */
static inline void *mp_ring_peek(struct mp_ring *r)
{
	const size_t tail = atomic_load_explicit(&r->tail, memory_order_relaxed);

	if (tail == atomic_load_explicit(&r->head, memory_order_acquire))
		return NULL;
	return r->slots + (tail & r->mask) * r->size;
}

/* Consumer: give the oldest record back. */
static inline void mp_ring_advance(struct mp_ring *r)
{
	const size_t tail = atomic_load_explicit(&r->tail, memory_order_relaxed);

	atomic_store_explicit(&r->tail, tail + 1, memory_order_release);
}

#endif
