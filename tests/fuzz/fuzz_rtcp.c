/* Invariant: what parses can be written, and what was written parses to the same values. */
#include <stdlib.h>

#include "rtcp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint32_t about =
	        size > 12 ? (uint32_t)data[8] << 24 | data[9] << 16 | data[10] << 8 | data[11] : 0;
	struct mp_rtcp rtcp, again;
	uint8_t buf[MP_RTCP_MAX];
	size_t len;

	if (mp_rtcp_parse(&rtcp, about, data, size))
		return 0;
	len = mp_rtcp_write(buf, rtcp.ssrc, rtcp.has_sender ? &rtcp.sender : NULL,
	                    rtcp.has_block ? &rtcp.block : NULL, "0123456789abcdef");
	if (len > sizeof(buf) || mp_rtcp_parse(&again, about, buf, len))
		abort();
	if (again.has_block != rtcp.has_block || again.has_sender != rtcp.has_sender)
		abort();
	if (rtcp.has_block && (again.block.lost != rtcp.block.lost || again.block.lsr != rtcp.block.lsr))
		abort();
	return 0;
}
