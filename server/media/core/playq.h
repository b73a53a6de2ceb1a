/*
 * What waits to be played: audio of any lengths, cut into frames, and marks between them.
 *
 * Memory grows with what waits, up to MP_PLAYQ_FRAMES, and shrinks when the queue is empty; in between
 * nothing is allocated.
 */
#ifndef MP_PLAYQ_H
#define MP_PLAYQ_H

#include <stddef.h>
#include <stdint.h>

#define MP_PLAYQ_FRAMES    3000 /* one minute: nothing is taken beyond */
#define MP_PLAYQ_FRAME_MAX 1920 /* bytes of a frame: 20 ms at 48 kHz */
#define MP_PLAYQ_MARK_MAX  128  /* bytes of a mark's text */

enum mp_playq_kind { MP_PLAYQ_EMPTY, MP_PLAYQ_FRAME, MP_PLAYQ_MARK, MP_PLAYQ_BUFFERED };

struct mp_playq {
	uint8_t *ring;
	size_t room, head, used; /* bytes; room is a power of two */
	size_t frames;           /* that wait, without the partial one */
	size_t frame_size;
	size_t partial_len;
	uint8_t partial[MP_PLAYQ_FRAME_MAX];
};

struct mp_playq_item {
	enum mp_playq_kind kind;
	size_t len;
	uint8_t data[MP_PLAYQ_FRAME_MAX];
};

/* frame_size: bytes, at most MP_PLAYQ_FRAME_MAX. */
void mp_playq_init(struct mp_playq *q, size_t frame_size);

/* Free what waits. */
void mp_playq_close(struct mp_playq *q);

/* Add audio; what does not fill a frame waits for more. Returns the bytes for which there was no room. */
size_t mp_playq_put(struct mp_playq *q, const uint8_t *audio, size_t len);

/* Add a mark after all audio so far, the partial frame excepted. Returns 0, ENOBUFS, ENOMEM. */
int mp_playq_mark(struct mp_playq *q, enum mp_playq_kind kind, const char *text, size_t len);

/* Make a frame of the partial one, filled up with silence, if there is one. */
void mp_playq_pad(struct mp_playq *q, uint8_t silence);

/* Take the oldest item. Returns its kind, which is also in *item. */
enum mp_playq_kind mp_playq_next(struct mp_playq *q, struct mp_playq_item *item);

/* Drop everything, marks included. */
void mp_playq_clear(struct mp_playq *q);

#endif
