#include "rtcp.h"

#include <errno.h>
#include <string.h>

#define BLOCK_SIZE   24
#define SENDER_SIZE  20
#define MAX_CNAME    100
#define SDES_CNAME   1
#define VERSION_BITS 0x80

static uint32_t get32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static uint8_t *put32(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 24);
	p[1] = (uint8_t)(v >> 16);
	p[2] = (uint8_t)(v >> 8);
	p[3] = (uint8_t)v;
	return p + 4;
}

static void parse_block(struct mp_rtcp_block *b, const uint8_t *p)
{
	const uint32_t lost = get32(p + 4) & 0xffffff;

	b->ssrc = get32(p);
	b->fraction = p[4];
	b->lost = lost & 0x800000 ? (int32_t)(lost | 0xff000000u) : (int32_t)lost;
	b->highest_seq = get32(p + 8);
	b->jitter = get32(p + 12);
	b->lsr = get32(p + 16);
	b->dlsr = get32(p + 20);
}

/* One SR or RR of `len` bytes, header included. */
static int parse_report(struct mp_rtcp *out, uint32_t about, const uint8_t *p, size_t len)
{
	const unsigned count = p[0] & 0x1f;
	size_t at = 8;

	if (p[1] == MP_RTCP_SR)
		at += SENDER_SIZE;
	if (at + count * BLOCK_SIZE > len)
		return EBADMSG;
	out->ssrc = get32(p + 4);
	if (p[1] == MP_RTCP_SR) {
		out->has_sender = true;
		out->sender.ntp_sec = get32(p + 8);
		out->sender.ntp_frac = get32(p + 12);
		out->sender.rtp_ts = get32(p + 16);
		out->sender.packets = get32(p + 20);
		out->sender.octets = get32(p + 24);
	}
	for (unsigned i = 0; i < count; i++, at += BLOCK_SIZE) {
		if (get32(p + at) != about)
			continue;
		out->has_block = true;
		parse_block(&out->block, p + at);
	}
	return 0;
}

int mp_rtcp_parse(struct mp_rtcp *out, uint32_t about, const uint8_t *buf, size_t len)
{
	size_t at = 0;

	if (!out || !buf || len < 8)
		return EBADMSG;
	memset(out, 0, sizeof(*out));
	if (buf[1] != MP_RTCP_SR && buf[1] != MP_RTCP_RR) /* section 6.1: a report comes first */
		return EBADMSG;
	while (at + 4 <= len) {
		const uint8_t *p = buf + at;
		const size_t size = 4u * ((size_t)(p[2] << 8 | p[3]) + 1);

		if (p[0] >> 6 != 2 || size > len - at)
			return EBADMSG;
		if (p[1] == MP_RTCP_SR || p[1] == MP_RTCP_RR) {
			if (size < 8 || parse_report(out, about, p, size))
				return EBADMSG;
		} else if (p[1] == MP_RTCP_BYE) {
			out->bye = true;
		}
		at += size;
	}
	return at == len ? 0 : EBADMSG;
}

static uint8_t *write_sdes(uint8_t *p, uint32_t ssrc, const char *cname)
{
	const size_t name_len = strnlen(cname, MAX_CNAME);
	const size_t chunk = (4 + 2 + name_len + 1 + 3) & ~(size_t)3; /* ends with 1 to 4 NULs */

	memset(p, 0, 4 + chunk);
	p[0] = VERSION_BITS | 1;
	p[1] = MP_RTCP_SDES;
	p[3] = (uint8_t)(chunk / 4);
	put32(p + 4, ssrc);
	p[8] = SDES_CNAME;
	p[9] = (uint8_t)name_len;
	memcpy(p + 10, cname, name_len);
	return p + 4 + chunk;
}

size_t mp_rtcp_write(uint8_t *buf, uint32_t ssrc, const struct mp_rtcp_sender *sender,
                     const struct mp_rtcp_block *block, const char *cname)
{
	uint8_t *p = put32(buf + 4, ssrc);

	if (sender) {
		p = put32(p, sender->ntp_sec);
		p = put32(p, sender->ntp_frac);
		p = put32(p, sender->rtp_ts);
		p = put32(p, sender->packets);
		p = put32(p, sender->octets);
	}
	if (block) {
		p = put32(p, block->ssrc);
		p = put32(p, (uint32_t)block->fraction << 24 | ((uint32_t)block->lost & 0xffffff));
		p = put32(p, block->highest_seq);
		p = put32(p, block->jitter);
		p = put32(p, block->lsr);
		p = put32(p, block->dlsr);
	}
	buf[0] = (uint8_t)(VERSION_BITS | (block ? 1 : 0));
	buf[1] = sender ? MP_RTCP_SR : MP_RTCP_RR;
	buf[2] = 0;
	buf[3] = (uint8_t)((p - buf) / 4 - 1);
	return (size_t)(write_sdes(p, ssrc, cname) - buf);
}
