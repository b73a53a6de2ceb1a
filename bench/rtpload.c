/*
 * RTP load: STREAMS phones, each sending a G.711 packet every 20 ms at a phase of its own, and
 * measuring what comes back.
 *
 * usage: rtpload STREAMS. Prints one local port a line, then reads commands:
 *   to PORT ...      where each stream sends to, one port per stream; 0 = it only listens
 *   tagged|tone      payload: sequence and time of sending (a relay keeps it, so that delay can be
 *                    told), or a tone of the stream's own (for mixers)
 *   run SECONDS      send for so long, listen a little longer, print one line of JSON
 * "gap_ms" is the longest time between two packets of a stream: above 40 a tick was missed.
 */
#include <math.h>
#include <stdbool.h>

#include "common.h"

#define PAYLOAD    160
#define HEADER     12
#define PACKET     (HEADER + PAYLOAD)
#define PERIOD_NS  INT64_C(20000000)
#define LINGER_NS  INT64_C(300000000) /* for what is still under way */
#define MAGIC      0x41524f4eu
#define MAX_EVENTS 64
#define BUCKETS    200000 /* of one microsecond each */

struct tag {
	uint32_t magic;
	uint32_t run;
	int64_t sent_ns;
};

struct phone {
	int fd;
	bool sends;
	uint16_t sequence;
	uint32_t timestamp;
	int64_t due_ns;
	int64_t heard_ns;
	uint8_t tone[PAYLOAD];
};

struct result {
	uint64_t sent, received, foreign;
	int64_t max_ns, gap_ns;
	uint64_t delays;
	uint32_t histogram[BUCKETS];
};

static struct phone *phones;
static uint32_t *order; /* phones by phase */
static unsigned count;
static int epoll;
static bool tagged = true;
static uint32_t run_number;
static struct result result;

static uint8_t ulaw(int sample)
{
	const int sign = sample < 0 ? 0x80 : 0;
	int magnitude = (sample < 0 ? -sample : sample) + 0x84;
	int segment = 7;

	if (magnitude > 0x7fff)
		magnitude = 0x7fff;
	while (segment > 0 && !(magnitude & (0x80 << segment)))
		segment--;
	return (uint8_t)~(sign | segment << 4 | (magnitude >> (segment + 3) & 0x0f));
}

/* A tone that repeats after one packet: a multiple of 50 Hz. */
static void make_tone(struct phone *phone, unsigned index)
{
	const double hz = 300 + 50 * (index % 40);

	for (int i = 0; i < PAYLOAD; i++)
		phone->tone[i] = ulaw((int)(2000 * sin(2 * 3.14159265358979 * hz * i / 8000)));
}

static void open_phones(void)
{
	unsigned port;

	phones = calloc(count, sizeof(*phones));
	order = calloc(count, sizeof(*order));
	if (!phones || !order)
		die("calloc");
	for (unsigned i = 0; i < count; i++) {
		phones[i].fd = open_udp(&port);
		phones[i].timestamp = (uint32_t)(i * 1000003u);
		make_tone(&phones[i], i);
		watch(epoll, phones[i].fd, i);
		/* Spread the phases so that neighbours in a call are not neighbours in time. */
		order[i] = i;
		printf("%u\n", port);
	}
	srand(1);
	for (unsigned i = count - 1; i > 0; i--) {
		const unsigned j = (unsigned)rand() % (i + 1);
		const uint32_t swap = order[i];

		order[i] = order[j];
		order[j] = swap;
	}
	fflush(stdout);
}

static void send_packet(uint32_t index, int64_t now)
{
	struct phone *phone = &phones[index];
	uint8_t packet[PACKET] = {0x80, 0};
	const uint16_t sequence = htons(phone->sequence++);
	const uint32_t timestamp = htonl(phone->timestamp);
	const uint32_t ssrc = htonl(index + 1);

	phone->timestamp += PAYLOAD;
	memcpy(packet + 2, &sequence, sizeof(sequence));
	memcpy(packet + 4, &timestamp, sizeof(timestamp));
	memcpy(packet + 8, &ssrc, sizeof(ssrc));
	memcpy(packet + HEADER, phone->tone, PAYLOAD);
	if (tagged) {
		const struct tag tag = {MAGIC, run_number, now};

		memcpy(packet + HEADER, &tag, sizeof(tag));
	}
	if (send(phone->fd, packet, sizeof(packet), 0) == sizeof(packet))
		result.sent++;
}

static void note_delay(int64_t delay_ns)
{
	const int64_t us = delay_ns / 1000;

	result.histogram[us < BUCKETS ? us : BUCKETS - 1]++;
	result.delays++;
	if (delay_ns > result.max_ns)
		result.max_ns = delay_ns;
}

static void receive_packet(uint32_t index)
{
	struct phone *phone = &phones[index];
	uint8_t packet[2048];
	const ssize_t size = recv(phone->fd, packet, sizeof(packet), 0);
	const int64_t now = now_ns();
	struct tag tag;

	if (size < HEADER || packet[0] >> 6 != 2)
		return;
	if (phone->heard_ns && now - phone->heard_ns > result.gap_ns)
		result.gap_ns = now - phone->heard_ns;
	phone->heard_ns = now;
	if (!tagged) {
		result.received++;
		return;
	}
	if (size < HEADER + (ssize_t)sizeof(tag)) {
		result.foreign++;
		return;
	}
	memcpy(&tag, packet + HEADER, sizeof(tag));
	if (tag.magic != MAGIC || tag.run != run_number) {
		result.foreign++;
		return;
	}
	result.received++;
	note_delay(now - tag.sent_ns);
}

static void receive_ready(int64_t until_ns)
{
	struct epoll_event events[MAX_EVENTS];
	const int64_t left = until_ns - now_ns();
	const struct timespec timeout = {.tv_nsec = left > 0 ? left % 1000000000 : 0};
	const int ready = epoll_pwait2(epoll, events, MAX_EVENTS, &timeout, NULL);

	for (int k = 0; k < ready; k++)
		receive_packet(events[k].data.u32);
}

static double percentile_ms(double share)
{
	uint64_t left = (uint64_t)(share * (double)result.delays);

	for (unsigned us = 0; us < BUCKETS; us++) {
		if (result.histogram[us] > left)
			return (us + 0.5) / 1000;
		left -= result.histogram[us];
	}
	return 0;
}

static void report(double seconds)
{
	printf("{\"seconds\": %.3f, \"sent\": %llu, \"received\": %llu, \"foreign\": %llu, "
	       "\"p50_ms\": %.4f, \"p99_ms\": %.4f, \"max_ms\": %.3f, \"gap_ms\": %.3f}\n",
	       seconds, (unsigned long long)result.sent, (unsigned long long)result.received,
	       (unsigned long long)result.foreign, percentile_ms(0.5), percentile_ms(0.99),
	       (double)result.max_ns / 1e6, (double)result.gap_ns / 1e6);
	fflush(stdout);
}

static void run(double seconds)
{
	const int64_t start = now_ns();
	const int64_t end = start + (int64_t)(seconds * 1e9);
	unsigned next = 0;

	memset(&result, 0, sizeof(result));
	run_number++;
	for (unsigned i = 0; i < count; i++) {
		phones[order[i]].due_ns = start + PERIOD_NS * i / count;
		phones[i].heard_ns = 0;
	}
	for (;;) {
		struct phone *phone = &phones[order[next]];
		const int64_t now = now_ns();

		if (now >= end)
			break;
		if (now < phone->due_ns) {
			receive_ready(phone->due_ns);
			continue;
		}
		if (phone->sends)
			send_packet(order[next], now);
		phone->due_ns += PERIOD_NS;
		next = (next + 1) % count;
	}
	while (now_ns() < end + LINGER_NS)
		receive_ready(end + LINGER_NS);
	report(seconds);
}

static void read_targets(void)
{
	unsigned port;

	for (unsigned i = 0; i < count; i++) {
		if (scanf("%u", &port) != 1)
			exit(1);
		phones[i].sends = port != 0;
		if (port)
			connect_udp(phones[i].fd, port);
	}
}

int main(int argc, char **argv)
{
	char command[16];
	double seconds;

	count = argc > 1 ? (unsigned)atoi(argv[1]) : 0;
	epoll = epoll_create1(0);
	if (!count || epoll < 0) {
		fprintf(stderr, "usage: rtpload STREAMS\n");
		return 2;
	}
	raise_file_limit();
	open_phones();
	while (scanf("%15s", command) == 1) {
		if (!strcmp(command, "to"))
			read_targets();
		else if (!strcmp(command, "tagged") || !strcmp(command, "tone"))
			tagged = command[1] == 'a';
		else if (!strcmp(command, "run") && scanf("%lf", &seconds) == 1)
			run(seconds);
		else
			return 2;
	}
	return 0;
}
