/*
 * Adaptive jitter buffer of encoded packets, for streams that are decoded (mixer, recorder, detectors).
 *
 * `put` at arrival, `get` once per packet time of playout. A get never waits: it gives the packet that
 * is due, says that one is lost (conceal it), or that nothing plays (silence). The delay follows the
 * measured jitter between min_ms and max_ms; it grows by a concealed packet when the buffer ran dry, and
 * shrinks by dropping one, at most one a second (five when far too deep), so speech is bent seldom.
 *
 * One thread. All memory is allocated at open: max_packets * (max_payload + about 40) bytes.
 */
#ifndef MP_JBUF_H
#define MP_JBUF_H

#include <stddef.h>
#include <stdint.h>

struct mp_jbuf;

struct mp_jbuf_conf {
	uint32_t clock_rate;  /* RTP clock, Hz */
	uint32_t frame_ms;    /* expected packet time until the stream shows its own; 0: 20 */
	uint32_t min_ms;      /* least delay; 0: frame_ms */
	uint32_t max_ms;      /* most delay; 0: 200 */
	uint16_t max_packets; /* slots, a power of two; 0: 32 */
	uint16_t max_payload; /* bytes; 0: 640 (20 ms of slin16) */
};

struct mp_jbuf_packet {
	const uint8_t *payload; /* valid until the next put, get or reset; NULL unless MP_JBUF_PACKET */
	uint16_t len;           /* bytes */
	uint8_t payload_type;
	uint16_t seq;
	uint32_t ts;
	uint32_t duration; /* RTP clock units of one packet, in every case: what to conceal when lost */
};

enum mp_jbuf_result {
	MP_JBUF_PACKET, /* out holds the next packet */
	MP_JBUF_LOST,   /* conceal out->duration */
	MP_JBUF_EMPTY   /* nothing to play: filling, or the sender is silent */
};

struct mp_jbuf_stats {
	uint64_t received; /* puts, all outcomes */
	uint64_t played;
	uint64_t lost;      /* gaps played as MP_JBUF_LOST */
	uint64_t late;      /* came after their turn: dropped */
	uint64_t duplicate; /* dropped */
	uint64_t overflow;  /* dropped because the buffer was full or the delay above max_ms */
	uint64_t reordered; /* came out of order but in time */
	uint64_t oversize;  /* payload larger than max_payload: dropped */
	uint64_t resyncs;   /* jumps of ssrc, sequence or timestamp that restarted the buffer */
	uint64_t grown;     /* concealed packets inserted to lengthen the delay */
	uint64_t shrunk;    /* packets dropped to shorten the delay */
	uint32_t delay_ms;  /* present depth */
	uint32_t target_ms; /* depth aimed at */
	uint32_t jitter_us; /* smoothed interarrival jitter (RFC 3550 section 6.4.1) */
};

/* Returns 0, EINVAL, ENOMEM; *jp is NULL on failure. */
int mp_jbuf_open(struct mp_jbuf **jp, const struct mp_jbuf_conf *conf);

/*
 * Take a packet; the payload is copied.
 *
 * arrival_us  monotonic time of arrival, µs
 *
 * A new ssrc restarts the buffer. Returns 0; EALREADY (duplicate), ETIME (late), ENOBUFS (overflow),
 * EMSGSIZE (too large), EINVAL. All are counted; the caller may ignore them.
 */
int mp_jbuf_put(struct mp_jbuf *j, uint32_t ssrc, uint16_t seq, uint32_t ts, uint64_t arrival_us,
                uint8_t payload_type, const uint8_t *payload, size_t len);

/* The next packet time of playout. `out` is always filled in. */
enum mp_jbuf_result mp_jbuf_get(struct mp_jbuf *j, struct mp_jbuf_packet *out);

/* Forget all packets and the stream's timing; the counters stay. */
void mp_jbuf_reset(struct mp_jbuf *j);

void mp_jbuf_stats(const struct mp_jbuf *j, struct mp_jbuf_stats *out);

/* Close; NULL is allowed. */
void mp_jbuf_close(struct mp_jbuf *j);

#endif
