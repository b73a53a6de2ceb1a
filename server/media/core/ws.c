#include "ws.h"

#include <errno.h>

#define LEN_16 126
#define LEN_64 127

static uint64_t read_number(const uint8_t *at, size_t bytes)
{
	uint64_t value = 0;

	for (size_t i = 0; i < bytes; i++)
		value = value << 8 | at[i];
	return value;
}

static int check(const struct mp_ws_header *h, uint8_t reserved)
{
	if (reserved || h->len >> 63)
		return EBADMSG;
	switch (h->opcode) {
	case MP_WS_CONTINUATION:
	case MP_WS_TEXT:
	case MP_WS_BINARY:
		return 0;
	case MP_WS_CLOSE:
	case MP_WS_PING:
	case MP_WS_PONG:
		return h->fin && h->len <= MP_WS_CONTROL_MAX ? 0 : EBADMSG;
	default:
		return ENOTSUP;
	}
}

int mp_ws_header_parse(struct mp_ws_header *h, size_t *used, const uint8_t *buf, size_t len)
{
	size_t extended, at = 2;

	if (len < at)
		return EAGAIN;
	h->fin = buf[0] >> 7;
	h->opcode = buf[0] & 0x0f;
	h->masked = buf[1] >> 7;
	h->len = buf[1] & 0x7f;
	extended = h->len == LEN_16 ? 2 : h->len == LEN_64 ? 8 : 0;
	if (len < at + extended + (h->masked ? 4 : 0))
		return EAGAIN;
	if (extended)
		h->len = read_number(buf + at, extended);
	at += extended;
	for (size_t i = 0; i < sizeof(h->mask); i++)
		h->mask[i] = h->masked ? buf[at + i] : 0;
	*used = at + (h->masked ? 4 : 0);
	return check(h, buf[0] & 0x70);
}

size_t mp_ws_header_write(uint8_t *buf, const struct mp_ws_header *h)
{
	const size_t extended = h->len > UINT16_MAX ? 8 : h->len >= LEN_16 ? 2 : 0;
	size_t at = 2;

	buf[0] = (uint8_t)(h->fin << 7 | h->opcode);
	buf[1] = (uint8_t)(h->masked << 7 | (extended == 8   ? LEN_64
	                                     : extended == 2 ? LEN_16
	                                                     : (int)h->len));
	for (size_t i = extended; i-- > 0;)
		buf[at++] = (uint8_t)(h->len >> (8 * i));
	for (size_t i = 0; h->masked && i < sizeof(h->mask); i++)
		buf[at++] = h->mask[i];
	return at;
}

void mp_ws_mask(uint8_t *data, size_t len, const uint8_t mask[4], uint64_t offset)
{
	for (size_t i = 0; i < len; i++)
		data[i] ^= mask[(offset + i) & 3];
}

/* How many bytes follow a first byte, and the least first continuation byte that is no overlong form. */
static int continuation(uint8_t first, uint8_t *low, uint8_t *high)
{
	*low = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
	*high = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf; /* surrogates; above U+10FFFF */
	if (first < 0x80)
		return 0;
	if (first >= 0xc2 && first <= 0xdf)
		return 1;
	if (first >= 0xe0 && first <= 0xef)
		return 2;
	return first >= 0xf0 && first <= 0xf4 ? 3 : -1;
}

bool mp_utf8_is_valid(const uint8_t *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		uint8_t low, high;
		const int more = continuation(text[i], &low, &high);

		if (more < 0 || (size_t)more >= len - i)
			return false;
		for (int k = 0; k < more; k++) {
			i++;
			if (text[i] < low || text[i] > high)
				return false;
			low = 0x80;
			high = 0xbf;
		}
	}
	return true;
}
