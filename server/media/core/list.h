/* Circular doubly linked lists; a link that is in no list points to itself. */
#ifndef MP_LIST_H
#define MP_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct mp_link {
	struct mp_link *next, *prev;
};

#define MP_ENTRY(link, type, member) ((type *)(void *)((char *)(link) - offsetof(type, member)))

/* Iterate; the present entry may be removed. */
#define MP_EACH(list, at, after)                                                 \
	for (struct mp_link *at = (list)->next, *after = at->next; at != (list); \
	     at = after, after = at->next)

static inline void mp_link_init(struct mp_link *l)
{
	l->next = l;
	l->prev = l;
}

static inline bool mp_link_is_in(const struct mp_link *l)
{
	return l->next != l;
}

static inline void mp_link_add(struct mp_link *list, struct mp_link *l)
{
	l->prev = list->prev;
	l->next = list;
	list->prev->next = l;
	list->prev = l;
}

static inline void mp_link_remove(struct mp_link *l)
{
	l->prev->next = l->next;
	l->next->prev = l->prev;
	mp_link_init(l);
}

#endif
