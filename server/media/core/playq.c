#include "playq.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define HEADER   3 /* bytes: kind, length */
#define MIN_ROOM ((size_t)1 << 14)
#define MAX_ROOM ((size_t)1 << 23) /* holds MP_PLAYQ_FRAMES of the largest */

void mp_playq_init(struct mp_playq *q, size_t frame_size)
{
	memset(q, 0, sizeof(*q));
	q->frame_size = frame_size < MP_PLAYQ_FRAME_MAX ? frame_size : MP_PLAYQ_FRAME_MAX;
}

void mp_playq_close(struct mp_playq *q)
{
	free(q->ring);
	q->ring = NULL;
	q->room = q->head = q->used = q->frames = q->partial_len = 0;
}

void mp_playq_clear(struct mp_playq *q)
{
	if (q->room > MIN_ROOM)
		mp_playq_close(q);
	q->head = q->used = q->frames = q->partial_len = 0;
}

static void copy_out(const struct mp_playq *q, size_t at, uint8_t *out, size_t len)
{
	const size_t from = at & (q->room - 1);
	const size_t first = len < q->room - from ? len : q->room - from;

	memcpy(out, q->ring + from, first);
	memcpy(out + first, q->ring, len - first);
}

static void copy_in(struct mp_playq *q, const uint8_t *data, size_t len)
{
	const size_t to = (q->head + q->used) & (q->room - 1);
	const size_t first = len < q->room - to ? len : q->room - to;

	memcpy(q->ring + to, data, first);
	memcpy(q->ring, data + first, len - first);
	q->used += len;
}

static int reserve(struct mp_playq *q, size_t len)
{
	size_t room = q->room ? q->room : MIN_ROOM;
	uint8_t *ring;

	while (room < q->used + len)
		room *= 2;
	if (room == q->room)
		return 0;
	if (room > MAX_ROOM)
		return ENOBUFS;
	ring = malloc(room);
	if (!ring)
		return ENOMEM;
	if (q->used)
		copy_out(q, q->head, ring, q->used);
	free(q->ring);
	q->ring = ring;
	q->room = room;
	q->head = 0;
	return 0;
}

static int add(struct mp_playq *q, enum mp_playq_kind kind, const uint8_t *data, size_t len)
{
	const uint8_t header[HEADER] = {(uint8_t)kind, (uint8_t)(len >> 8), (uint8_t)len};
	const int err = reserve(q, HEADER + len);

	if (err)
		return err;
	copy_in(q, header, HEADER);
	if (len)
		copy_in(q, data, len);
	q->frames += kind == MP_PLAYQ_FRAME;
	return 0;
}

static bool add_frame(struct mp_playq *q, const uint8_t *frame)
{
	return q->frames < MP_PLAYQ_FRAMES && !add(q, MP_PLAYQ_FRAME, frame, q->frame_size);
}

size_t mp_playq_put(struct mp_playq *q, const uint8_t *audio, size_t len)
{
	size_t at = 0;

	if (!len)
		return 0;
	if (q->partial_len) {
		at = q->frame_size - q->partial_len < len ? q->frame_size - q->partial_len : len;
		memcpy(q->partial + q->partial_len, audio, at);
		q->partial_len += at;
		if (q->partial_len < q->frame_size)
			return 0;
		q->partial_len = 0;
		if (!add_frame(q, q->partial))
			return q->frame_size + len - at;
	}
	for (; len - at >= q->frame_size; at += q->frame_size) {
		if (!add_frame(q, audio + at))
			return len - at;
	}
	q->partial_len = len - at;
	memcpy(q->partial, audio + at, q->partial_len);
	return 0;
}

int mp_playq_mark(struct mp_playq *q, enum mp_playq_kind kind, const char *text, size_t len)
{
	return len > MP_PLAYQ_MARK_MAX ? ENOBUFS : add(q, kind, (const uint8_t *)text, len);
}

void mp_playq_pad(struct mp_playq *q, uint8_t silence)
{
	if (!q->partial_len)
		return;
	memset(q->partial + q->partial_len, silence, q->frame_size - q->partial_len);
	q->partial_len = 0;
	(void)add_frame(q, q->partial); /* without room it is one of those that are dropped */
}

enum mp_playq_kind mp_playq_next(struct mp_playq *q, struct mp_playq_item *item)
{
	uint8_t header[HEADER];

	item->kind = MP_PLAYQ_EMPTY;
	item->len = 0;
	if (!q->used)
		return item->kind;
	copy_out(q, q->head, header, HEADER);
	item->kind = (enum mp_playq_kind)header[0];
	item->len = (size_t)header[1] << 8 | header[2];
	copy_out(q, q->head + HEADER, item->data, item->len);
	q->head = (q->head + HEADER + item->len) & (q->room - 1);
	q->used -= HEADER + item->len;
	q->frames -= item->kind == MP_PLAYQ_FRAME;
	if (!q->used && q->room > MIN_ROOM) {
		free(q->ring);
		q->ring = NULL;
		q->room = q->head = 0;
	}
	return item->kind;
}
