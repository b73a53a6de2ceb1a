/*
 * Tone lists in the syntax of indications.conf, and their generator.
 *
 *   list  = item *( sep item )             sep: "|" when the list has one, else ","
 *   item  = ["!"] tone ["/" duration]      duration in ms; none or 0: for ever
 *   tone  = f | f "+" f | f "*" f          f: Hz, or "M" and a MIDI note number; 0 is silence
 *
 * Blanks around items are ignored, as are empty items.
 * "+" sums two tones; "*" modulates the first by the second (90 % depth). Items with "!" are played
 * once; after the last item the list goes on with its first item without "!"; when all have one, it ends.
 */
#ifndef MP_TONE_H
#define MP_TONE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MP_TONE_MAX_ITEMS 64
#define MP_TONE_MAX_TEXT  1024    /* bytes of a tone list */
#define MP_TONE_MAX_HZ    20000   /* frequencies above are refused; above rate/2 they sound as silence */
#define MP_TONE_MAX_MS    3600000 /* one item, ms */

struct mp_tone_item {
	double freq[2];       /* Hz, 0: absent */
	bool modulated;       /* freq[0] modulated by freq[1], else summed */
	uint32_t duration_ms; /* 0: for ever */
};

struct mp_tone_list {
	struct mp_tone_item item[MP_TONE_MAX_ITEMS];
	uint16_t count;
	uint16_t loop; /* item that follows the last; == count: the list ends */
};

/* Parse. Returns 0, EINVAL, EBADMSG (syntax, value out of range), E2BIG (too many items, too long). */
int mp_tone_parse(struct mp_tone_list *list, const char *text, size_t len);

/* Length of one pass over a list that ends, ms; 0: endless. */
uint64_t mp_tone_duration_ms(const struct mp_tone_list *list);

struct mp_sine { /* a sine by recurrence: y[n] = k y[n-1] - y[n-2] */
	double k, y1, y2;
};

struct mp_tonegen {
	const struct mp_tone_list *list; /* the caller keeps it alive */
	uint32_t rate;
	uint16_t index;  /* item that plays; == list->count: ended */
	uint64_t done;   /* samples of all items so far */
	uint64_t end_ms; /* where the item ends, ms from the start: rounding doesn't add up */
	uint64_t end;    /* the same in samples; UINT64_MAX: never */
	struct mp_sine sine[2];
};

/* Start at the first item. rate: Hz, 8,000 to 48,000. Returns 0 or EINVAL. */
int mp_tonegen_init(struct mp_tonegen *g, const struct mp_tone_list *list, uint32_t rate);

/* The next `n` samples; fewer (then 0) when the list has ended. Each frequency is at -10 dBm0. */
size_t mp_tonegen_read(struct mp_tonegen *g, int16_t *pcm, size_t n);

/* Peak amplitude of a sine at `dbm0`: 0 dBm0 is 3.14 dB below the full scale of G.711. */
double mp_tone_peak(double dbm0);

/* For other generators: a sine of `hz` at `peak` amplitude, phase 0; its next sample. */
void mp_sine_init(struct mp_sine *s, double hz, double peak, uint32_t rate);
static inline double mp_sine_next(struct mp_sine *s)
{
	const double y = s->k * s->y1 - s->y2;

	s->y2 = s->y1;
	s->y1 = y;
	return y;
}

#endif
