/* Jitter buffer: order, loss, duplicates, jumps, adaptation; compared with a model that knows the future.
 */
#include "check.h"

#include <stdbool.h>

#include "alloc.h"
#include "audio.h"
#include "jbuf.h"

enum { TS = 160, SSRC = 0x11223344, TICK_US = 20000 };

static struct mp_jbuf *make(uint32_t min_ms, uint32_t max_ms)
{
	const struct mp_jbuf_conf conf = {.clock_rate = 8000, .min_ms = min_ms, .max_ms = max_ms};
	struct mp_jbuf *j;

	OK(mp_jbuf_open(&j, &conf));
	return j;
}

/* The payload tells which packet it is. */
static int put_at(struct mp_jbuf *j, uint16_t seq, uint64_t n, uint64_t arrival_us)
{
	uint8_t payload[160];

	memset(payload, (int)(n & 0xff), sizeof(payload));
	return mp_jbuf_put(j, SSRC, seq, (uint32_t)n * TS, arrival_us, 0, payload, sizeof(payload));
}

static int put(struct mp_jbuf *j, uint64_t n)
{
	return put_at(j, (uint16_t)n, n, n * TICK_US);
}

static enum mp_jbuf_result get(struct mp_jbuf *j, uint16_t *seq)
{
	struct mp_jbuf_packet p;
	const enum mp_jbuf_result r = mp_jbuf_get(j, &p);

	CHECK((r == MP_JBUF_PACKET) == (p.payload != NULL));
	CHECK(p.duration > 0);
	if (r == MP_JBUF_PACKET) {
		EQ(160, p.len);
		EQ((uint8_t)(p.ts / TS), p.payload[0]);
		EQ((uint8_t)(p.ts / TS), p.payload[159]);
	}
	*seq = p.seq;
	return r;
}

static void expect(struct mp_jbuf *j, uint16_t want)
{
	uint16_t seq;

	EQ(MP_JBUF_PACKET, get(j, &seq));
	EQ(want, seq);
}

static void expect_result(struct mp_jbuf *j, enum mp_jbuf_result want)
{
	uint16_t seq;

	EQ(want, get(j, &seq));
}

static struct mp_jbuf_stats stats_of(const struct mp_jbuf *j)
{
	struct mp_jbuf_stats s;

	mp_jbuf_stats(j, &s);
	return s;
}

static void test_a_steady_stream_passes_with_least_delay(void)
{
	struct mp_jbuf *j = make(0, 0);

	expect_result(j, MP_JBUF_EMPTY);
	for (uint64_t n = 65000; n < 66500; n++) { /* over the wrap of the sequence number */
		OK(put(j, n));
		expect(j, (uint16_t)n);
	}
	EQ(1500, stats_of(j).played);
	EQ(0, stats_of(j).lost + stats_of(j).late + stats_of(j).grown + stats_of(j).shrunk);
	EQ(0, stats_of(j).jitter_us);
	EQ(20, stats_of(j).target_ms);
	mp_jbuf_close(j);
}

static void test_it_waits_for_the_least_delay(void)
{
	struct mp_jbuf *j = make(60, 200);

	OK(put(j, 0));
	expect_result(j, MP_JBUF_EMPTY);
	OK(put(j, 1));
	expect_result(j, MP_JBUF_EMPTY);
	OK(put(j, 2));
	expect(j, 0);
	mp_jbuf_close(j);
}

static void test_a_lonely_packet_is_played_when_its_time_has_come(void)
{
	struct mp_jbuf *j = make(60, 200);

	OK(put(j, 0));
	expect_result(j, MP_JBUF_EMPTY);
	expect_result(j, MP_JBUF_EMPTY);
	expect(j, 0);
	mp_jbuf_close(j);
}

static void test_reordered_packets_are_sorted_and_duplicates_dropped(void)
{
	struct mp_jbuf *j = make(80, 200);

	OK(put(j, 101));
	OK(put(j, 100)); /* even the very first */
	OK(put(j, 103));
	ERR(EALREADY, put(j, 103));
	OK(put(j, 102));
	for (uint16_t n = 100; n < 104; n++)
		expect(j, n);
	ERR(ETIME, put(j, 103));
	EQ(2, stats_of(j).reordered);
	EQ(1, stats_of(j).duplicate);
	EQ(1, stats_of(j).late);
	mp_jbuf_close(j);
}

static void test_a_lost_packet_is_concealed_once(void)
{
	for (uint32_t delay = 20; delay <= 100; delay += 20) {
		struct mp_jbuf *j = make(delay, 200);
		unsigned lost = 0, played = 0;

		for (uint64_t n = 0; n < 500; n++) {
			uint16_t seq;
			enum mp_jbuf_result r;

			if (n % 50 != 25)
				OK(put(j, n));
			r = get(j, &seq);
			lost += r == MP_JBUF_LOST;
			played += r == MP_JBUF_PACKET;
		}
		EQ(10, lost);
		EQ(10, stats_of(j).lost);
		EQ(0, stats_of(j).grown);
		CHECK(played >= 490 - delay / 20);
		mp_jbuf_close(j);
	}
}

static void test_a_silent_sender_is_concealed_then_empty(void)
{
	struct mp_jbuf *j = make(0, 0);

	OK(put(j, 0));
	expect(j, 0);
	for (int i = 0; i < 3; i++)
		expect_result(j, MP_JBUF_LOST);
	for (int i = 0; i < 100; i++)
		expect_result(j, MP_JBUF_EMPTY);
	OK(put_at(j, 1, 104, 104 * TICK_US)); /* the timestamp went on, the sequence did not */
	expect(j, 1);
	EQ(0, stats_of(j).lost);
	mp_jbuf_close(j);
}

static void test_a_late_burst_is_played_and_the_delay_shrinks_again(void)
{
	struct mp_jbuf *j = make(0, 200);
	uint16_t seq, last = 0;
	uint64_t n;

	for (n = 0; n < 100; n++) {
		OK(put(j, n));
		expect(j, (uint16_t)n);
	}
	for (int i = 0; i < 5; i++) /* the network stalls for 100 ms ... */
		get(j, &seq);
	for (; n < 105; n++) /* ... and gives all at once */
		OK(put_at(j, (uint16_t)n, n, 105 * TICK_US));
	CHECK(stats_of(j).delay_ms >= 80);
	for (; n < 2000; n++) {
		OK(put(j, n));
		if (get(j, &seq) == MP_JBUF_PACKET) {
			CHECK((int16_t)(seq - last) > 0 || last == 0);
			last = seq;
		}
	}
	CHECK(stats_of(j).delay_ms <= 20);
	EQ(0, stats_of(j).late);
	CHECK(stats_of(j).shrunk >= 3);
	mp_jbuf_close(j);
}

static void test_delay_follows_jitter(void)
{
	struct mp_jbuf *j = make(0, 200);
	uint64_t due[3000];
	uint32_t seed = 5;
	unsigned lost = 0;
	uint16_t seq;
	size_t n = 0;

	for (size_t i = 0; i < 3000; i++) /* 0 to 60 ms late, in order */
		due[i] = i * TICK_US + audio_random(&seed) % 60000;
	for (size_t i = 1; i < 3000; i++)
		due[i] = due[i] > due[i - 1] ? due[i] : due[i - 1];
	for (uint64_t now = 0; n < 3000; now += TICK_US) {
		for (; n < 3000 && due[n] <= now; n++)
			put_at(j, (uint16_t)n, n, due[n]);
		lost += get(j, &seq) == MP_JBUF_LOST;
	}
	CHECK(stats_of(j).target_ms >= 40 && stats_of(j).target_ms <= 60);
	CHECK(lost < 30); /* a handful while it learns, of 3,000 */
	CHECK(stats_of(j).shrunk < 15);
	EQ(0, stats_of(j).lost);
	CHECK(stats_of(j).jitter_us > 5000);
	mp_jbuf_close(j);
}

static void test_jumps_restart_the_buffer(void)
{
	struct mp_jbuf *j = make(0, 0);
	const uint8_t payload[160] = {0};

	OK(put(j, 0));
	expect(j, 0);
	OK(put(j, 1));
	ERR(ENOBUFS, put_at(j, 40000, 7, 40000)); /* a stray */
	expect(j, 1);
	OK(put(j, 2));
	ERR(ENOBUFS, put_at(j, 50000, 8, 60000)); /* two in a row are a jump */
	OK(put_at(j, 50001, 9, 80000));
	expect(j, 50001);
	EQ(1, stats_of(j).resyncs);
	OK(mp_jbuf_put(j, SSRC + 1, 3, 99, 100000, 0, payload, 160)); /* another source */
	EQ(2, stats_of(j).resyncs);
	EQ(20, stats_of(j).delay_ms);
	mp_jbuf_close(j);
}

static void test_the_buffer_is_bounded(void)
{
	struct mp_jbuf *j = make(0, 200);
	const uint8_t big[641] = {0};

	for (uint64_t n = 0; n < 1000; n++) { /* nobody fetches */
		OK(put(j, n));
		CHECK(stats_of(j).delay_ms <= 200);
	}
	EQ(990, stats_of(j).overflow);
	expect(j, 990);
	ERR(EMSGSIZE, mp_jbuf_put(j, SSRC, 1000, 0, 0, 0, big, sizeof(big)));
	EQ(1, stats_of(j).oversize);
	mp_jbuf_close(j);
}

static void test_packet_time_is_learnt(void)
{
	struct mp_jbuf *j = make(0, 200);
	struct mp_jbuf_packet p;
	const uint8_t payload[480] = {0};

	for (uint16_t n = 0; n < 10; n++) {
		OK(mp_jbuf_put(j, SSRC, n, n * 480u, n * 60000u, 0, payload, 480));
		EQ(MP_JBUF_PACKET, mp_jbuf_get(j, &p));
	}
	OK(mp_jbuf_put(j, SSRC, 10, 4800, 600000, 0, payload, 480));
	OK(mp_jbuf_put(j, SSRC, 11, 5280, 660000, 0, payload, 480));
	EQ(MP_JBUF_PACKET, mp_jbuf_get(j, &p));
	EQ(480, p.duration);
	mp_jbuf_close(j);
}

static void test_reset_forgets_the_stream(void)
{
	struct mp_jbuf *j = make(0, 0);

	OK(put(j, 5));
	OK(put(j, 6));
	mp_jbuf_reset(j);
	expect_result(j, MP_JBUF_EMPTY);
	OK(put(j, 3));
	expect(j, 3);
	EQ(3, stats_of(j).received);
	mp_jbuf_close(j);
	mp_jbuf_close(NULL);
}

/*
 * The model knows what arrives: with reordering within the delay, playout is the numbers in order, each
 * that never came is concealed in its place, and nothing else happens.
 */
static void check_against_model(uint32_t seed, uint16_t first)
{
	enum { N = 4000, WAIT = 5 };
	static bool comes[N];
	static uint8_t shift[N];
	struct mp_jbuf *j = make(WAIT * 20 + 20, 400);
	unsigned dup = 0;
	uint16_t seq;

	for (int n = 0; n < N; n++) {
		comes[n] = n < 8 || audio_random(&seed) % 10 != 0;
		shift[n] = n < 8 || audio_random(&seed) % 4 ? 0 : (uint8_t)(audio_random(&seed) % WAIT);
	}
	for (int tick = 0; tick < N + WAIT; tick++) {
		const int due = tick - WAIT;

		for (int n = tick < WAIT ? 0 : tick - WAIT; n <= tick && n < N; n++) {
			if (!comes[n] || n + shift[n] != tick)
				continue;
			/* arrival as if in time, so that the delay aimed at stays what it is */
			OK(put_at(j, (uint16_t)(first + n), (uint64_t)n, (uint64_t)n * TICK_US));
			if (audio_random(&seed) % 16 == 0) {
				ERR(EALREADY,
				    put_at(j, (uint16_t)(first + n), (uint64_t)n, (uint64_t)n * TICK_US));
				dup++;
			}
		}
		if (due < 0 || due >= N - 2 * WAIT) {
			EQ(due < 0 ? MP_JBUF_EMPTY : MP_JBUF_PACKET, due < 0 ? (int)get(j, &seq) : 0);
			continue;
		}
		EQ(comes[due] ? MP_JBUF_PACKET : MP_JBUF_LOST, get(j, &seq));
		if (comes[due])
			EQ((uint16_t)(first + due), seq);
	}
	EQ(dup, stats_of(j).duplicate);
	EQ(0, stats_of(j).late + stats_of(j).overflow + stats_of(j).shrunk + stats_of(j).grown);
	mp_jbuf_close(j);
}

static void test_playout_equals_the_model(void)
{
	for (uint32_t seed = 1; seed <= 10; seed++)
		check_against_model(seed, (uint16_t)(65536 - 2000 + seed));
}

/* Whatever comes: order never goes back, nothing is played twice, every packet is accounted for. */
static void test_nothing_is_lost_from_the_books_under_chaos(void)
{
	for (uint32_t seed = 1; seed <= 20; seed++) {
		struct mp_jbuf *j = make(0, 20 * (1 + seed % 10));
		uint32_t random = seed;
		uint64_t n = audio_random(&random) % 100000, now = 0;
		uint64_t last = 0;
		struct mp_jbuf_stats s;
		uint16_t seq;

		for (int i = 0; i < 20000; i++) {
			const uint32_t dice = audio_random(&random) % 100;

			now += audio_random(&random) % 30000;
			n += dice < 80 ? 1 : dice < 90 ? audio_random(&random) % 5 : 0;
			if (dice == 99 && audio_random(&random) % 10 == 0)
				n += audio_random(&random) % 100000;
			put_at(j, (uint16_t)(n - (dice > 95 ? audio_random(&random) % 8 : 0)), n, now);
			if (audio_random(&random) % 10 == 0)
				continue;
			s = stats_of(j);
			if (get(j, &seq) != MP_JBUF_PACKET)
				continue;
			if (s.resyncs == last >> 32 && last & 0x10000)
				CHECK((int16_t)(seq - (uint16_t)last) > 0);
			last = s.resyncs << 32 | 0x10000 | seq;
			CHECK(s.delay_ms <= 32 * 120);
		}
		s = stats_of(j);
		for (int i = 0; i < 200; i++)
			get(j, &seq);
		EQ(0, stats_of(j).delay_ms);
		s = stats_of(j);
		EQ(s.received, s.played + s.late + s.duplicate + s.overflow + s.oversize + s.shrunk);
		mp_jbuf_close(j);
	}
}

static int open_one(void)
{
	const struct mp_jbuf_conf conf = {.clock_rate = 8000};
	struct mp_jbuf *j;
	const int err = mp_jbuf_open(&j, &conf);

	CHECK((err == 0) == (j != NULL));
	mp_jbuf_close(j);
	return err;
}

static void test_arguments_and_memory_limits(void)
{
	const struct mp_jbuf_conf odd = {.clock_rate = 8000, .max_packets = 33};
	const struct mp_jbuf_conf upside = {.clock_rate = 8000, .min_ms = 300};
	const struct mp_jbuf_conf zero = {0};
	struct mp_jbuf_packet p;
	struct mp_jbuf *j;

	ERR(EINVAL, mp_jbuf_open(&j, &odd));
	ERR(EINVAL, mp_jbuf_open(&j, &upside));
	ERR(EINVAL, mp_jbuf_open(&j, &zero));
	ERR(EINVAL, mp_jbuf_open(&j, NULL));
	ERR(EINVAL, mp_jbuf_put(NULL, 0, 0, 0, 0, 0, NULL, 0));
	EQ(MP_JBUF_EMPTY, mp_jbuf_get(NULL, &p));
	WITH_MEMORY_LIMITS(open_one());
}

int main(int argc, char **argv)
{
	check_filter = argc > 1 ? argv[1] : NULL;
	RUN(test_a_steady_stream_passes_with_least_delay);
	RUN(test_it_waits_for_the_least_delay);
	RUN(test_a_lonely_packet_is_played_when_its_time_has_come);
	RUN(test_reordered_packets_are_sorted_and_duplicates_dropped);
	RUN(test_a_lost_packet_is_concealed_once);
	RUN(test_a_silent_sender_is_concealed_then_empty);
	RUN(test_a_late_burst_is_played_and_the_delay_shrinks_again);
	RUN(test_delay_follows_jitter);
	RUN(test_jumps_restart_the_buffer);
	RUN(test_the_buffer_is_bounded);
	RUN(test_packet_time_is_learnt);
	RUN(test_reset_forgets_the_stream);
	RUN(test_playout_equals_the_model);
	RUN(test_nothing_is_lost_from_the_books_under_chaos);
	RUN(test_arguments_and_memory_limits);
	return check_result();
}
