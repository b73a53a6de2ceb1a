/* Tone lists: parser and generator. */
#include "tone.h"

#include <errno.h>
#include <math.h>
#include <string.h>

enum {
	MIDI_MAX = 127,
	MIDI_A4 = 69, /* the note of 440 Hz */
	RATE_MIN = 8000,
	RATE_MAX = 48000
};

#define TONE_DBM0 (-10.0) /* of each frequency; ITU-T Q.35 and E.180 ask for -10 +- 5 dBm0 */
#define DEPTH     0.9     /* of modulation */
#define PI        3.14159265358979323846

/* -- parser ------------------------------------------------------------------------------------- */

struct cursor {
	const char *p, *end;
};

static bool take(struct cursor *c, char want)
{
	if (c->p == c->end || *c->p != want)
		return false;
	c->p++;
	return true;
}

static bool take_number(struct cursor *c, uint32_t max, uint32_t *value)
{
	const char *start = c->p;
	uint32_t v = 0;

	while (c->p < c->end && *c->p >= '0' && *c->p <= '9') {
		v = v * 10 + (uint32_t)(*c->p++ - '0');
		if (v > max)
			return false;
	}
	*value = v;
	return c->p > start;
}

static bool take_frequency(struct cursor *c, double *hz)
{
	const bool midi = take(c, 'M');
	uint32_t v;

	if (!take_number(c, midi ? MIDI_MAX : MP_TONE_MAX_HZ, &v))
		return false;
	*hz = midi ? 440.0 * pow(2.0, ((int)v - MIDI_A4) / 12.0) : v;
	return true;
}

static int parse_item(struct mp_tone_item *item, struct cursor *c)
{
	memset(item, 0, sizeof(*item));
	if (!take_frequency(c, &item->freq[0]))
		return EBADMSG;
	item->modulated = take(c, '*');
	if ((item->modulated || take(c, '+')) && !take_frequency(c, &item->freq[1]))
		return EBADMSG;
	if (take(c, '/') && !take_number(c, MP_TONE_MAX_MS, &item->duration_ms))
		return EBADMSG;
	return c->p == c->end ? 0 : EBADMSG;
}

static bool is_blank(char ch)
{
	return ch == ' ' || ch == '\t';
}

static void strip(struct cursor *c)
{
	while (c->p < c->end && is_blank(*c->p))
		c->p++;
	while (c->p < c->end && is_blank(c->end[-1]))
		c->end--;
}

/* Add one item; `repeats` becomes the first index without "!". */
static int add_item(struct mp_tone_list *list, struct cursor c, bool *repeats)
{
	strip(&c);
	if (c.p == c.end)
		return 0;
	if (list->count == MP_TONE_MAX_ITEMS)
		return E2BIG;
	if (!take(&c, '!') && !*repeats) {
		*repeats = true;
		list->loop = list->count;
	}
	return parse_item(&list->item[list->count++], &c);
}

int mp_tone_parse(struct mp_tone_list *list, const char *text, size_t len)
{
	const char *p = text, *end;
	bool repeats = false;
	char sep;
	int err;

	if (!list || !text)
		return EINVAL;
	memset(list, 0, sizeof(*list));
	if (len > MP_TONE_MAX_TEXT)
		return E2BIG;
	end = text + len;
	sep = memchr(text, '|', len) ? '|' : ',';
	while (p < end) {
		const char *stop = memchr(p, sep, (size_t)(end - p));

		if (!stop)
			stop = end;
		err = add_item(list, (struct cursor){p, stop}, &repeats);
		if (err)
			return err;
		p = stop + 1;
	}
	if (!list->count)
		return EBADMSG;
	if (!repeats)
		list->loop = list->count;
	return 0;
}

uint64_t mp_tone_duration_ms(const struct mp_tone_list *list)
{
	uint64_t sum = 0;

	if (!list || list->loop < list->count)
		return 0;
	for (uint16_t i = 0; i < list->count; i++) {
		if (!list->item[i].duration_ms)
			return 0;
		sum += list->item[i].duration_ms;
	}
	return sum;
}

/* -- generator ---------------------------------------------------------------------------------- */

double mp_tone_peak(double dbm0)
{
	return 32768.0 * pow(10.0, (dbm0 - 3.14) / 20.0);
}

void mp_sine_init(struct mp_sine *s, double hz, double peak, uint32_t rate)
{
	const double w = 2 * PI * hz / rate;

	memset(s, 0, sizeof(*s));
	if (hz <= 0 || 2 * hz >= rate)
		return; /* silence */
	/* the two samples before phase 0 */
	s->k = 2 * cos(w);
	s->y1 = -peak * sin(w);
	s->y2 = -peak * sin(2 * w);
}

static void start_item(struct mp_tonegen *g)
{
	const struct mp_tone_item *item = &g->list->item[g->index];
	const double peak = mp_tone_peak(TONE_DBM0);

	mp_sine_init(&g->sine[0], item->freq[0], peak, g->rate);
	mp_sine_init(&g->sine[1], item->freq[1], item->modulated ? DEPTH : peak, g->rate);
	g->end_ms += item->duration_ms;
	g->end = item->duration_ms ? g->end_ms * g->rate / 1000 : UINT64_MAX;
}

int mp_tonegen_init(struct mp_tonegen *g, const struct mp_tone_list *list, uint32_t rate)
{
	if (!g || !list || !list->count || list->count > MP_TONE_MAX_ITEMS || rate < RATE_MIN ||
	    rate > RATE_MAX)
		return EINVAL;
	memset(g, 0, sizeof(*g));
	g->list = list;
	g->rate = rate;
	start_item(g);
	return 0;
}

static bool next_item(struct mp_tonegen *g)
{
	if (++g->index == g->list->count)
		g->index = g->list->loop;
	if (g->index == g->list->count)
		return false;
	start_item(g);
	return true;
}

static void generate(struct mp_tonegen *g, int16_t *pcm, size_t n)
{
	const struct mp_tone_item *item = &g->list->item[g->index];

	if (item->freq[0] <= 0 && item->freq[1] <= 0) {
		memset(pcm, 0, n * sizeof(*pcm));
		return;
	}
	for (size_t i = 0; i < n; i++) {
		const double a = mp_sine_next(&g->sine[0]);
		const double b = mp_sine_next(&g->sine[1]);
		/* modulation keeps the peak where the carrier's was */
		const double y = item->modulated ? a * (1 + b) / (1 + DEPTH) : a + b;

		pcm[i] = (int16_t)lrint(y);
	}
}

size_t mp_tonegen_read(struct mp_tonegen *g, int16_t *pcm, size_t n)
{
	size_t done = 0;

	if (!g || !pcm)
		return 0;
	while (done < n && g->index < g->list->count) {
		const uint64_t left = g->end - g->done;
		const size_t part = left < n - done ? (size_t)left : n - done;

		generate(g, pcm + done, part);
		done += part;
		g->done += part;
		if (g->done == g->end && !next_item(g))
			break;
	}
	return done;
}
