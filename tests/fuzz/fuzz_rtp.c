/*
 * Invariant: a packet that parses has its payload inside the packet; written again and parsed, header and
 * payload are the same. Events that parse survive a round trip.
 */
#include <stdlib.h>
#include <string.h>

#include "rtp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_event(const uint8_t *payload, size_t len)
{
	struct mp_rtp_event event, again;
	uint8_t buf[MP_EVENT_PAYLOAD];

	if (mp_rtp_event_parse(&event, payload, len))
		return;
	if (mp_rtp_event_write(buf, &event) || mp_rtp_event_parse(&again, buf, sizeof(buf)))
		abort();
	if (again.digit != event.digit || again.end != event.end || again.duration != event.duration)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mp_rtp rtp, again;
	uint8_t *copy;

	if (mp_rtp_parse(&rtp, data, size))
		return 0;
	if (rtp.payload < data || rtp.payload + rtp.len > data + size)
		abort();
	copy = malloc(MP_RTP_HEADER + rtp.len);
	mp_rtp_write(copy, &rtp);
	memcpy(copy + MP_RTP_HEADER, rtp.payload, rtp.len);
	if (mp_rtp_parse(&again, copy, MP_RTP_HEADER + rtp.len) || again.len != rtp.len ||
	    again.seq != rtp.seq || again.ts != rtp.ts || again.ssrc != rtp.ssrc ||
	    again.marker != rtp.marker || again.payload_type != rtp.payload_type ||
	    memcmp(again.payload, rtp.payload, rtp.len))
		abort();
	check_event(rtp.payload, rtp.len);
	free(copy);
	return 0;
}
