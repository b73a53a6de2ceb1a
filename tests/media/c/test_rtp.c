/* RTP and RTCP on the wire, source learning, the ring and the slot map. */
#include "check.h"

#include <pthread.h>

#include "core.h"
#include "rtcp.h"

static const uint8_t PLAIN[] = {0x80, 0x80, 0x12, 0x34, 0, 0, 0, 160, 0xde, 0xad, 0xbe, 0xef, 1, 2, 3};

static void test_rtp_header_round_trip(void)
{
	struct mp_rtp rtp;
	uint8_t buf[MP_RTP_HEADER];

	OK(mp_rtp_parse(&rtp, PLAIN, sizeof(PLAIN)));
	EQ(1, rtp.marker);
	EQ(0x1234, rtp.seq);
	EQ(160, rtp.ts);
	EQ(0xdeadbeef, rtp.ssrc);
	EQ(3, rtp.len);
	mp_rtp_write(buf, &rtp);
	CHECK(memcmp(buf, PLAIN, sizeof(buf)) == 0);
}

static void test_rtp_with_csrc_extension_and_padding(void)
{
	uint8_t p[] = {0xb1, 0, 0,    1,    0, 0, 0, 1, 0, 0, 0,    1, 9, 9,
	               9,    9, 0xbe, 0xde, 0, 1, 7, 7, 7, 7, 0x55, 0, 2};
	struct mp_rtp rtp;

	OK(mp_rtp_parse(&rtp, p, sizeof(p)));
	EQ(1, rtp.len);
	EQ(0x55, rtp.payload[0]);
	p[sizeof(p) - 1] = 4; /* more padding than payload */
	ERR(EBADMSG, mp_rtp_parse(&rtp, p, sizeof(p)));
	p[sizeof(p) - 1] = 0;
	ERR(EBADMSG, mp_rtp_parse(&rtp, p, sizeof(p)));
	for (size_t len = 0; len < 24; len++)
		ERR(EBADMSG, mp_rtp_parse(&rtp, p, len));
}

static void test_event_round_trip(void)
{
	const struct mp_rtp_event event = {.digit = '#', .end = true, .volume = 10, .duration = 1600};
	struct mp_rtp_event again;
	uint8_t buf[MP_EVENT_PAYLOAD];

	OK(mp_rtp_event_write(buf, &event));
	OK(mp_rtp_event_parse(&again, buf, sizeof(buf)));
	EQ('#', again.digit);
	EQ(1600, again.duration);
	CHECK(again.end);
	buf[0] = 16; /* flash */
	ERR(ENOTSUP, mp_rtp_event_parse(&again, buf, sizeof(buf)));
	ERR(EBADMSG, mp_rtp_event_parse(&again, buf, 3));
}

static void test_rtcp_report_round_trip(void)
{
	const struct mp_rtcp_sender sender = {1, 2, 3, 4, 5};
	const struct mp_rtcp_block block = {7, 128, -5, 99, 12, 34, 56};
	struct mp_rtcp rtcp;
	uint8_t buf[MP_RTCP_MAX];
	const size_t len = mp_rtcp_write(buf, 42, &sender, &block, "name");

	EQ(0, len % 4);
	OK(mp_rtcp_parse(&rtcp, 7, buf, len));
	EQ(42, rtcp.ssrc);
	CHECK(rtcp.has_sender && rtcp.has_block);
	EQ(5, rtcp.sender.octets);
	EQ(-5, rtcp.block.lost);
	EQ(56, rtcp.block.dlsr);
	OK(mp_rtcp_parse(&rtcp, 8, buf, len));
	CHECK(!rtcp.has_block);
	for (size_t cut = 1; cut < len; cut++) {
		if (cut != 52) /* there the report ends and SDES begins */
			ERR(EBADMSG, mp_rtcp_parse(&rtcp, 7, buf, cut));
	}
}

static struct mp_addr addr(uint16_t port)
{
	struct mp_addr a;

	OK(mp_addr_parse(&a, "127.0.0.1", port));
	return a;
}

static bool accepts(struct mp_source_filter *f, enum mp_strict strict, const struct mp_addr *from,
                    uint16_t seq)
{
	const struct mp_addr signalled = addr(1000);

	return mp_filter_accepts(f, strict, 4, &signalled, from, seq);
}

static void test_signalled_source_is_played_at_once_and_locks(void)
{
	struct mp_source_filter f = {.state = MP_LEARNING};
	const struct mp_addr phone = addr(1000), stranger = addr(2000);

	for (uint16_t seq = 1; seq <= 4; seq++)
		CHECK(accepts(&f, MP_STRICT_YES, &phone, seq));
	EQ(MP_LEARN_LOCKED, f.state);
	for (uint16_t seq = 1; seq < 20; seq++)
		CHECK(!accepts(&f, MP_STRICT_YES, &stranger, seq));
}

static void test_a_stranger_has_to_pass_the_probation(void)
{
	struct mp_source_filter f = {.state = MP_LEARNING};
	const struct mp_addr stranger = addr(2000);

	CHECK(!accepts(&f, MP_STRICT_YES, &stranger, 10));
	CHECK(!accepts(&f, MP_STRICT_YES, &stranger, 11));
	CHECK(!accepts(&f, MP_STRICT_YES, &stranger, 13)); /* a gap starts it again */
	CHECK(!accepts(&f, MP_STRICT_YES, &stranger, 14));
	CHECK(!accepts(&f, MP_STRICT_YES, &stranger, 15));
	CHECK(accepts(&f, MP_STRICT_YES, &stranger, 16));
}

static void test_a_stranger_does_not_disturb_the_signalled_source(void)
{
	struct mp_source_filter f = {.state = MP_LEARNING};
	const struct mp_addr phone = addr(1000), stranger = addr(2000);

	for (uint16_t seq = 1; seq <= 4; seq++) {
		CHECK(accepts(&f, MP_STRICT_YES, &phone, seq));
		CHECK(!accepts(&f, MP_STRICT_YES, &stranger, (uint16_t)(seq + 100)));
	}
	CHECK(mp_addr_equal(&f.trusted, &phone));
}

static void test_seqno_mode_lets_a_new_source_take_over(void)
{
	struct mp_source_filter f = {.state = MP_LEARNING};
	const struct mp_addr phone = addr(1000), stranger = addr(2000);

	for (uint16_t seq = 1; seq <= 4; seq++)
		CHECK(accepts(&f, MP_STRICT_SEQNO, &phone, seq));
	for (uint16_t seq = 7; seq < 10; seq++)
		CHECK(!accepts(&f, MP_STRICT_SEQNO, &stranger, seq));
	CHECK(accepts(&f, MP_STRICT_SEQNO, &stranger, 10));
}

enum { RING_RECORDS = 200000 };

static void *produce(void *arg)
{
	struct mp_ring *ring = arg;

	for (uint64_t i = 0; i < RING_RECORDS;) {
		if (!mp_ring_push(ring, &i))
			i++;
	}
	return NULL;
}

static void test_staged_records_are_seen_when_they_are_published(void)
{
	struct mp_ring ring;
	const uint64_t records[] = {1, 2};

	OK(mp_ring_open(&ring, sizeof(uint64_t), 2));
	OK(mp_ring_stage(&ring, &records[0]));
	OK(mp_ring_stage(&ring, &records[1]));
	ERR(EAGAIN, mp_ring_stage(&ring, &records[0]));
	CHECK(!mp_ring_peek(&ring));
	mp_ring_publish(&ring);
	EQ(1, *(uint64_t *)mp_ring_peek(&ring));
	mp_ring_advance(&ring);
	EQ(2, *(uint64_t *)mp_ring_peek(&ring));
	mp_ring_close(&ring);
}

static void test_ring_keeps_order_between_threads(void)
{
	struct mp_ring ring;
	pthread_t thread;
	const uint64_t *record;

	ERR(EINVAL, mp_ring_open(&ring, sizeof(uint64_t), 3));
	OK(mp_ring_open(&ring, sizeof(uint64_t), 64));
	OK(pthread_create(&thread, NULL, produce, &ring));
	for (uint64_t i = 0; i < RING_RECORDS;) {
		record = mp_ring_peek(&ring);
		if (!record)
			continue;
		EQ(i, *record);
		mp_ring_advance(&ring);
		i++;
	}
	pthread_join(thread, NULL);
	mp_ring_close(&ring);
}

static void test_stale_handles_are_not_found(void)
{
	static struct mp_engine e;
	static struct mp_object objects[1000];
	uint64_t first;

	for (size_t i = 0; i < 1000; i++)
		OK(mp_handle_add(&e, &objects[i], MP_KIND_STREAM, 0));
	first = objects[0].handle;
	CHECK(mp_handle_slot(&e, first)->object == &objects[0]);
	mp_handle_remove(&e, first);
	CHECK(!mp_handle_slot(&e, first));
	mp_handle_remove(&e, first);
	OK(mp_handle_add(&e, &objects[0], MP_KIND_STREAM, 0));
	CHECK(objects[0].handle != first);
	CHECK(!mp_handle_slot(&e, first));
	CHECK(!mp_handle_slot(&e, UINT64_MAX));
	CHECK(!mp_handle_slot(&e, 0));
	EQ(1000, e.live[MP_KIND_STREAM]);
	free(e.slots);
}

int main(int argc, char **argv)
{
	check_filter = argc > 1 ? argv[1] : NULL;
	RUN(test_rtp_header_round_trip);
	RUN(test_rtp_with_csrc_extension_and_padding);
	RUN(test_event_round_trip);
	RUN(test_rtcp_report_round_trip);
	RUN(test_signalled_source_is_played_at_once_and_locks);
	RUN(test_a_stranger_has_to_pass_the_probation);
	RUN(test_a_stranger_does_not_disturb_the_signalled_source);
	RUN(test_seqno_mode_lets_a_new_source_take_over);
	RUN(test_staged_records_are_seen_when_they_are_published);
	RUN(test_ring_keeps_order_between_threads);
	RUN(test_stale_handles_are_not_found);
	return check_result();
}
