/*
 * Adaptive jitter buffer.
 *
 * Packets wait in slots by sequence number; `next_seq` is what is played next. Two states:
 *
 *   filling   nothing plays until the depth aimed at has come, or as much time has passed
 *   playing   each get plays one packet, or conceals one
 *
 * When the buffer runs dry while playing, gets conceal "on credit": next_seq stays. Should the packet come
 * after all, it is played and the delay has grown by what was concealed; should its successor come, it
 * was lost, and the credit pays for the gap. After MAX_CREDIT concealed packets the buffer fills anew.
 *
 * The depth aimed at is the lateness of packets, against the fastest of the last seconds, that all but
 * the latest stayed below. The delay shrinks, by dropping a packet, when for a whole window it was
 * above that and never needed.
 */
#include "jbuf.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum {
	DEFAULT_FRAME_MS = 20,
	DEFAULT_MAX_MS = 200,
	DEFAULT_PACKETS = 32,
	DEFAULT_PAYLOAD = 640,
	MAX_PACKETS = 1024,
	MAX_CREDIT = 3,        /* concealment has faded away by then */
	MAX_PTIME_MS = 120,    /* longer steps of the timestamp are pauses, not packets */
	WINDOW_US = 2000000,   /* two windows of lateness are kept: 2 to 4 s */
	SHRINK_GETS = 50,      /* at most one packet is dropped in so many gets (1 s) */
	SHRINK_FAST_GETS = 10, /* when far too deep (200 ms) */
	FAR_TOO_DEEP = 3       /* packets above the aim */
};

struct slot {
	bool used;
	uint8_t payload_type;
	uint16_t seq;
	uint16_t len;
	uint32_t ts;
};

/* Extremes of transit times, µs, over about WINDOW_US. */
struct window {
	int64_t least, most, second; /* second: the second largest */
	unsigned count;
};

struct mp_jbuf {
	/* set at open, then read-only */
	struct mp_jbuf_conf conf;
	uint16_t mask;
	struct slot *slots;
	uint8_t *payloads;

	/* the stream */
	bool known;   /* ssrc and next_seq are valid */
	bool started; /* something of it was played */
	bool playing;
	uint32_t ssrc;
	uint16_t next_seq;
	uint16_t top_seq; /* newest, when count > 0 */
	uint16_t count;
	uint16_t credit;   /* packets concealed ahead of next_seq */
	uint16_t filling;  /* gets since the first packet came */
	uint32_t duration; /* RTP clock units per packet */
	int32_t suspect;   /* sequence number expected after a jump, -1: none */

	/* timing */
	bool timed;
	uint32_t last_ts;
	int64_t ts; /* extended */
	int64_t last_transit;
	uint64_t jitter; /* µs * 16 */
	uint64_t window_start;
	struct window now, before;

	/* depth since the last adaptation */
	uint16_t gets, least, most;

	struct mp_jbuf_stats stats;
};

static int check_conf(struct mp_jbuf_conf *c)
{
	if (!c->frame_ms)
		c->frame_ms = DEFAULT_FRAME_MS;
	if (!c->min_ms)
		c->min_ms = c->frame_ms;
	if (!c->max_ms)
		c->max_ms = DEFAULT_MAX_MS;
	if (!c->max_packets)
		c->max_packets = DEFAULT_PACKETS;
	if (!c->max_payload)
		c->max_payload = DEFAULT_PAYLOAD;
	if (c->clock_rate < 1000 || c->max_packets > MAX_PACKETS || c->max_packets & (c->max_packets - 1) ||
	    c->min_ms > c->max_ms || c->frame_ms > MAX_PTIME_MS || c->max_ms > 60000)
		return EINVAL;
	return 0;
}

int mp_jbuf_open(struct mp_jbuf **jp, const struct mp_jbuf_conf *conf)
{
	struct mp_jbuf *j;
	int err = 0;

	if (!jp)
		return EINVAL;
	*jp = NULL;
	if (!conf)
		return EINVAL;
	j = calloc(1, sizeof(*j));
	if (!j)
		return ENOMEM;
	j->conf = *conf;
	err = check_conf(&j->conf);
	if (err)
		goto out;
	j->mask = (uint16_t)(j->conf.max_packets - 1);
	j->slots = calloc(j->conf.max_packets, sizeof(*j->slots));
	j->payloads = malloc((size_t)j->conf.max_packets * j->conf.max_payload);
	if (!j->slots || !j->payloads)
		err = ENOMEM;
	mp_jbuf_reset(j);
out:
	if (err)
		mp_jbuf_close(j);
	else
		*jp = j;
	return err;
}

void mp_jbuf_close(struct mp_jbuf *j)
{
	if (!j)
		return;
	free(j->slots);
	free(j->payloads);
	free(j);
}

static struct slot *slot_of(const struct mp_jbuf *j, uint16_t seq)
{
	return &j->slots[seq & j->mask];
}

/* How far b is ahead of a, over the wrap-around. */
static int ahead(uint16_t a, uint16_t b)
{
	return (int16_t)(uint16_t)(b - a);
}

/* Packets from next_seq to the newest, gaps included. */
static uint16_t depth(const struct mp_jbuf *j)
{
	return j->count ? (uint16_t)(j->top_seq - j->next_seq + 1) : 0;
}

static uint32_t to_ms(const struct mp_jbuf *j, uint32_t packets)
{
	return (uint32_t)((uint64_t)packets * j->duration * 1000 / j->conf.clock_rate);
}

static uint32_t packets_of(const struct mp_jbuf *j, uint32_t ms)
{
	const uint64_t units = (uint64_t)ms * j->conf.clock_rate / 1000;
	const uint64_t n = (units + j->duration - 1) / j->duration;

	return n > 1 ? (uint32_t)n : 1;
}

/* -- timing ------------------------------------------------------------------------------------- */

static int64_t max_i64(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

static int64_t min_i64(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static void window_add(struct window *w, int64_t transit)
{
	if (!w->count++) {
		w->least = w->most = w->second = transit;
		return;
	}
	w->least = min_i64(w->least, transit);
	if (w->count == 2)
		w->second = min_i64(w->most, transit);
	else
		w->second = max_i64(w->second, min_i64(w->most, transit));
	w->most = max_i64(w->most, transit);
}

/* Lateness, in ms, that all packets but the latest of a window stayed below. */
static uint32_t lateness_ms(const struct mp_jbuf *j)
{
	int64_t least = j->now.least, high = j->now.second;

	if (!j->now.count)
		return 0;
	if (j->before.count) {
		least = min_i64(least, j->before.least);
		high = max_i64(high, j->before.second);
	}
	high = (max_i64(high, least) - least + 999) / 1000;
	return high < UINT16_MAX ? (uint32_t)high : UINT16_MAX;
}

static uint32_t target_ms(const struct mp_jbuf *j)
{
	uint32_t ms = lateness_ms(j);

	ms = ms > j->conf.min_ms ? ms : j->conf.min_ms;
	return ms < j->conf.max_ms ? ms : j->conf.max_ms;
}

static void note_arrival(struct mp_jbuf *j, uint32_t ts, uint64_t arrival_us)
{
	int64_t transit;

	j->ts += j->timed ? (int32_t)(ts - j->last_ts) : 0;
	transit = (int64_t)arrival_us - j->ts * 1000000 / (int64_t)j->conf.clock_rate;
	if (j->timed) { /* RFC 3550 section 6.4.1, in µs */
		const int64_t d = transit - j->last_transit;

		j->jitter += (uint64_t)(d < 0 ? -d : d);
		j->jitter -= (j->jitter + 8) / 16;
	} else {
		j->window_start = arrival_us;
	}
	j->timed = true;
	j->last_ts = ts;
	j->last_transit = transit;
	if (arrival_us - j->window_start > WINDOW_US) {
		j->before = j->now;
		memset(&j->now, 0, sizeof(j->now));
		j->window_start = arrival_us;
	}
	window_add(&j->now, transit);
}

/* Neighbours in sequence tell the time of a packet. */
static void learn_duration(struct mp_jbuf *j, uint16_t seq, uint32_t ts)
{
	const struct slot *before = slot_of(j, (uint16_t)(seq - 1));
	uint32_t step;

	if (!before->used || before->seq != (uint16_t)(seq - 1))
		return;
	step = ts - before->ts;
	if (step && step <= j->conf.clock_rate / 1000 * MAX_PTIME_MS)
		j->duration = step;
}

/* -- put ---------------------------------------------------------------------------------------- */

static void forget_stream(struct mp_jbuf *j)
{
	for (unsigned i = 0; i <= j->mask && j->slots; i++)
		j->slots[i].used = false;
	j->known = j->started = j->playing = j->timed = false;
	j->count = j->credit = j->filling = 0;
	j->gets = j->most = 0;
	j->least = UINT16_MAX;
	j->suspect = -1;
	j->ts = 0;
	j->jitter = 0;
	j->duration = j->conf.frame_ms * j->conf.clock_rate / 1000;
	memset(&j->now, 0, sizeof(j->now));
	memset(&j->before, 0, sizeof(j->before));
}

void mp_jbuf_reset(struct mp_jbuf *j)
{
	if (j)
		forget_stream(j);
}

static void begin_stream(struct mp_jbuf *j, uint32_t ssrc, uint16_t seq)
{
	if (j->known) {
		j->stats.resyncs++;
		j->stats.overflow += j->count; /* what waited is not played any more */
		forget_stream(j);
	}
	j->known = true;
	j->ssrc = ssrc;
	j->next_seq = seq;
}

/* Step over next_seq, dropping what is there. Returns whether there was a packet. */
static bool step_over(struct mp_jbuf *j)
{
	struct slot *s = slot_of(j, j->next_seq);
	const bool was = s->used;

	s->used = false;
	j->count = (uint16_t)(j->count - was);
	j->next_seq++;
	return was;
}

/*
 * A sequence number out of reach: a jump if the next packet confirms it, or if nothing waits; else a
 * stray. (RFC 3550 appendix A.1 asks for two in a row, too.)
 */
static bool is_jump(struct mp_jbuf *j, uint16_t seq)
{
	if (j->count == 0 || j->suspect == seq)
		return true;
	j->suspect = (uint16_t)(seq + 1);
	return false;
}

/* Make `seq` fall within the slots and the greatest delay: what is too old goes. */
static void make_room(struct mp_jbuf *j, uint16_t seq)
{
	const uint32_t by_time = packets_of(j, j->conf.max_ms);
	const int limit = by_time < j->conf.max_packets ? (int)by_time : j->conf.max_packets;

	while (j->count && ahead(j->next_seq, seq) >= limit) {
		j->stats.overflow += step_over(j);
		j->credit = (uint16_t)(j->credit - (j->credit > 0));
	}
	if (!j->count && ahead(j->next_seq, seq) >= limit)
		j->next_seq = seq;
}

static void store(struct mp_jbuf *j, uint16_t seq, uint32_t ts, uint8_t payload_type,
                  const uint8_t *payload, size_t len)
{
	struct slot *s = slot_of(j, seq);

	if (!j->count || ahead(j->top_seq, seq) > 0)
		j->top_seq = seq;
	else
		j->stats.reordered++;
	learn_duration(j, seq, ts);
	*s = (struct slot){true, payload_type, seq, (uint16_t)len, ts};
	if (len)
		memcpy(j->payloads + (size_t)(seq & j->mask) * j->conf.max_payload, payload, len);
	j->count++;
}

/* Where does the packet belong? Returns 0 to store it, or why not. */
static int place(struct mp_jbuf *j, uint32_t ssrc, uint16_t seq)
{
	int gap;

	if (!j->known || ssrc != j->ssrc)
		begin_stream(j, ssrc, seq);
	gap = ahead(j->next_seq, seq);
	if (abs(gap) >= j->conf.max_packets) {
		if (!is_jump(j, seq)) {
			j->stats.overflow++;
			return ENOBUFS;
		}
		begin_stream(j, ssrc, seq);
		gap = 0;
	}
	j->suspect = -1;
	if (gap < 0 && !j->started && (!j->count || ahead(seq, j->top_seq) < j->conf.max_packets)) {
		j->next_seq = seq; /* the first packets came out of order */
		gap = 0;
	}
	if (gap < 0) {
		j->stats.late++;
		return ETIME;
	}
	if (slot_of(j, seq)->used && slot_of(j, seq)->seq == seq) {
		j->stats.duplicate++;
		return EALREADY;
	}
	make_room(j, seq);
	return 0;
}

int mp_jbuf_put(struct mp_jbuf *j, uint32_t ssrc, uint16_t seq, uint32_t ts, uint64_t arrival_us,
                uint8_t payload_type, const uint8_t *payload, size_t len)
{
	int err;

	if (!j || (!payload && len))
		return EINVAL;
	j->stats.received++;
	if (len > j->conf.max_payload) {
		j->stats.oversize++;
		return EMSGSIZE;
	}
	err = place(j, ssrc, seq);
	if (err == 0 || err == ETIME) /* late packets say most about lateness */
		note_arrival(j, ts, arrival_us);
	if (!err)
		store(j, seq, ts, payload_type, payload, len);
	return err;
}

/* -- get ---------------------------------------------------------------------------------------- */

static enum mp_jbuf_result give(struct mp_jbuf *j, struct mp_jbuf_packet *out)
{
	const uint16_t seq = j->next_seq;
	const struct slot *s = slot_of(j, seq);

	out->payload = j->payloads + (size_t)(seq & j->mask) * j->conf.max_payload;
	out->len = s->len;
	out->payload_type = s->payload_type;
	out->seq = seq;
	out->ts = s->ts;
	step_over(j);
	j->stats.played++;
	j->stats.grown += j->credit; /* concealed, but not lost */
	j->credit = 0;
	j->started = true;
	return MP_JBUF_PACKET;
}

static bool is_next_there(const struct mp_jbuf *j)
{
	return j->count && slot_of(j, j->next_seq)->used;
}

static enum mp_jbuf_result get_dry(struct mp_jbuf *j)
{
	if (++j->credit <= MAX_CREDIT)
		return MP_JBUF_LOST;
	j->playing = false;
	j->credit = 0;
	j->filling = 0;
	return MP_JBUF_EMPTY;
}

/* The oldest packet; there is one. */
static uint16_t oldest_seq(const struct mp_jbuf *j)
{
	uint16_t seq = j->next_seq;

	while (!slot_of(j, seq)->used)
		seq++;
	return seq;
}

/* Has enough come, or has it waited long enough? */
static bool is_filled(struct mp_jbuf *j)
{
	const uint32_t want = packets_of(j, target_ms(j));

	if (!j->count)
		return false;
	j->filling++;
	return ahead(oldest_seq(j), j->top_seq) + 1 >= (int)want || j->filling >= want;
}

static void start_playing(struct mp_jbuf *j)
{
	j->next_seq = oldest_seq(j); /* what is missing before it was silence already */
	j->playing = true;
	j->credit = j->filling = 0;
	j->gets = j->most = 0;
	j->least = UINT16_MAX;
}

static void shrink(struct mp_jbuf *j)
{
	if (is_next_there(j) && j->count > 1) {
		step_over(j);
		j->stats.shrunk++;
	}
	j->gets = j->most = 0;
	j->least = UINT16_MAX;
}

/* Once per get while playing. */
static void adapt(struct mp_jbuf *j)
{
	const uint32_t aim = packets_of(j, target_ms(j));
	const uint16_t d = depth(j);

	j->least = d < j->least ? d : j->least;
	j->most = d > j->most ? d : j->most;
	j->gets++;
	if (j->gets >= SHRINK_FAST_GETS && j->least > aim + FAR_TOO_DEEP)
		shrink(j);
	else if (j->gets >= SHRINK_GETS && j->least > 1 && j->most > aim + 1)
		shrink(j);
	else if (j->gets >= SHRINK_GETS) {
		j->gets = j->most = 0;
		j->least = UINT16_MAX;
	}
}

/* The credit pays for packets that are missing although later ones are there. */
static void settle_credit(struct mp_jbuf *j)
{
	while (j->count && j->credit && !is_next_there(j)) {
		j->next_seq++;
		j->credit--;
		j->stats.lost++;
	}
}

enum mp_jbuf_result mp_jbuf_get(struct mp_jbuf *j, struct mp_jbuf_packet *out)
{
	if (!out)
		return MP_JBUF_EMPTY;
	memset(out, 0, sizeof(*out));
	if (!j)
		return MP_JBUF_EMPTY;
	if (!j->playing) {
		if (is_filled(j))
			start_playing(j);
	} else {
		adapt(j);
	}
	out->duration = j->duration;
	if (!j->playing)
		return MP_JBUF_EMPTY;
	settle_credit(j);
	if (is_next_there(j))
		return give(j, out);
	if (!j->count)
		return get_dry(j);
	j->next_seq++;
	j->stats.lost++;
	return MP_JBUF_LOST;
}

void mp_jbuf_stats(const struct mp_jbuf *j, struct mp_jbuf_stats *out)
{
	if (!j || !out)
		return;
	*out = j->stats;
	out->delay_ms = to_ms(j, depth(j));
	out->target_ms = target_ms(j);
	out->jitter_us = (uint32_t)(j->jitter / 16);
}
