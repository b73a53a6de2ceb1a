/* RTCP compound packets (RFC 3550 section 6): sender and receiver reports. Parsing is pure. */
#ifndef MP_RTCP_H
#define MP_RTCP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MP_RTCP_MAX 256 /* bytes of a report we send */

enum mp_rtcp_type { MP_RTCP_SR = 200, MP_RTCP_RR = 201, MP_RTCP_SDES = 202, MP_RTCP_BYE = 203 };

/* One report block (section 6.4.1). */
struct mp_rtcp_block {
	uint32_t ssrc;        /* whose packets this is about */
	uint8_t fraction;     /* lost since the last report, 1/256 */
	int32_t lost;         /* lost in all, 24 bit signed */
	uint32_t highest_seq; /* extended */
	uint32_t jitter;      /* RTP clock units */
	uint32_t lsr;         /* middle of the last SR's NTP time, 0: none */
	uint32_t dlsr;        /* since then, 1/65536 s */
};

struct mp_rtcp_sender {
	uint32_t ntp_sec, ntp_frac;
	uint32_t rtp_ts;
	uint32_t packets, octets;
};

/* What a compound packet tells us. */
struct mp_rtcp {
	uint32_t ssrc;
	bool has_sender; /* it holds an SR */
	bool has_block;  /* a block is about `about` */
	bool bye;
	struct mp_rtcp_sender sender;
	struct mp_rtcp_block block;
};

/*
 * Parse a compound packet and pick the block that is about the SSRC `about`.
 * Unknown packet types are passed over. Returns 0 or EBADMSG.
 */
int mp_rtcp_parse(struct mp_rtcp *out, uint32_t about, const uint8_t *buf, size_t len);

/*
 * Write SR (sender given) or RR, and SDES with the CNAME.
 *
 * sender, block  NULL: none
 * Returns the bytes written; buf has MP_RTCP_MAX.
 */
size_t mp_rtcp_write(uint8_t *buf, uint32_t ssrc, const struct mp_rtcp_sender *sender,
                     const struct mp_rtcp_block *block, const char *cname);

#endif
