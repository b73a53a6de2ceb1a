/* RTP packets (RFC 3550 section 5.1) and telephone events in them (RFC 4733). Parsing is pure. */
#ifndef MP_RTP_H
#define MP_RTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MP_RTP_HEADER    12 /* bytes, without CSRCs and extension */
#define MP_RTP_MAX       1500
#define MP_EVENT_PAYLOAD 4 /* bytes of an RFC 4733 event block */

struct mp_rtp {
	bool marker;
	uint8_t payload_type;
	uint16_t seq;
	uint32_t ts;
	uint32_t ssrc;
	const uint8_t *payload; /* inside the packet */
	size_t len;             /* of the payload, without padding */
};

/* Returns 0 or EBADMSG. */
int mp_rtp_parse(struct mp_rtp *out, const uint8_t *buf, size_t len);

/* Write a header without CSRCs and extension at `buf` (MP_RTP_HEADER bytes). */
void mp_rtp_write(uint8_t *buf, const struct mp_rtp *rtp);

struct mp_rtp_event {
	char digit; /* '0'-'9' '*' '#' 'A'-'D' */
	bool end;
	uint8_t volume;    /* -dBm0 */
	uint16_t duration; /* RTP clock units */
};

/* Returns 0, EBADMSG (too short), ENOTSUP (an event that is no DTMF digit). */
int mp_rtp_event_parse(struct mp_rtp_event *out, const uint8_t *payload, size_t len);

/* Write an event block (MP_EVENT_PAYLOAD bytes). Returns 0 or EINVAL (no digit). */
int mp_rtp_event_write(uint8_t *buf, const struct mp_rtp_event *event);

#endif
