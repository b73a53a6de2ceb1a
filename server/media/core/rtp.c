#include "rtp.h"

#include <errno.h>
#include <string.h>

static const char DIGITS[] = "0123456789*#ABCD"; /* RFC 4733 section 3.2, by event code */

static uint16_t get16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static uint32_t get32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static void put16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static void put32(uint8_t *p, uint32_t v)
{
	put16(p, (uint16_t)(v >> 16));
	put16(p + 2, (uint16_t)v);
}

int mp_rtp_parse(struct mp_rtp *out, const uint8_t *buf, size_t len)
{
	size_t start, end = len;

	if (!out || !buf || len < MP_RTP_HEADER || buf[0] >> 6 != 2)
		return EBADMSG;
	start = MP_RTP_HEADER + 4u * (buf[0] & 0x0f);
	if (buf[0] & 0x10) { /* extension header: profile, length in words */
		if (start + 4 > len)
			return EBADMSG;
		start += 4 + 4u * get16(buf + start + 2);
	}
	if (start > len)
		return EBADMSG;
	if (buf[0] & 0x20) { /* padding: its length is the last byte */
		if (start == len || !buf[len - 1] || buf[len - 1] > len - start)
			return EBADMSG;
		end = len - buf[len - 1];
	}
	out->marker = buf[1] >> 7;
	out->payload_type = buf[1] & 0x7f;
	out->seq = get16(buf + 2);
	out->ts = get32(buf + 4);
	out->ssrc = get32(buf + 8);
	out->payload = buf + start;
	out->len = end - start;
	return 0;
}

void mp_rtp_write(uint8_t *buf, const struct mp_rtp *rtp)
{
	buf[0] = 0x80;
	buf[1] = (uint8_t)(rtp->marker << 7 | rtp->payload_type);
	put16(buf + 2, rtp->seq);
	put32(buf + 4, rtp->ts);
	put32(buf + 8, rtp->ssrc);
}

int mp_rtp_event_parse(struct mp_rtp_event *out, const uint8_t *payload, size_t len)
{
	if (!out || !payload || len < MP_EVENT_PAYLOAD)
		return EBADMSG;
	if (payload[0] >= sizeof(DIGITS) - 1)
		return ENOTSUP;
	out->digit = DIGITS[payload[0]];
	out->end = payload[1] >> 7;
	out->volume = payload[1] & 0x3f;
	out->duration = get16(payload + 2);
	return 0;
}

int mp_rtp_event_write(uint8_t *buf, const struct mp_rtp_event *event)
{
	const char *at = event->digit ? strchr(DIGITS, event->digit) : NULL;

	if (!at)
		return EINVAL;
	buf[0] = (uint8_t)(at - DIGITS);
	buf[1] = (uint8_t)((event->end ? 0x80 : 0) | (event->volume & 0x3f));
	put16(buf + 2, event->duration);
	return 0;
}
