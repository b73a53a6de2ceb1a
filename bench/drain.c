/*
 * Consumers of events that cost next to nothing: COUNT WebSockets of applications drain0, drain1 …
 *
 * usage: drain PORT USER:PASSWORD COUNT. Says "ready" when all are open. For each line of input
 * it prints, as JSON, what came since the last: messages, and of those that carry at-MICROSECONDS
 * (of the wall clock) how late they were. Ends when stdin closes.
 */
#include <fcntl.h>

#include "common.h"

#define BUFFER      (256 * 1024)
#define MAX_SAMPLES (4 * 1024 * 1024)
#define MARK        "\"at-"

struct consumer {
	int fd;
	size_t used;
	uint8_t buffer[BUFFER];
};

static int32_t *samples; /* microseconds */
static size_t sample_count;
static uint64_t message_count, byte_count;

static int64_t wall_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return ts.tv_sec * INT64_C(1000000) + ts.tv_nsec / 1000;
}

static int compare(const void *a, const void *b)
{
	const int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;

	return (x > y) - (x < y);
}

static void open_consumer(struct consumer *consumer, unsigned port, const char *key, unsigned number)
{
	const struct sockaddr_in address = loopback(port);
	char request[512];
	size_t size = 0;

	consumer->fd = socket(AF_INET, SOCK_STREAM, 0);
	if (consumer->fd < 0 || connect(consumer->fd, (const struct sockaddr *)&address, sizeof(address)))
		die("connect");
	const int length = snprintf(request, sizeof(request),
	                            "GET /ari/events?app=drain%u&api_key=%s HTTP/1.1\r\nHost: bench\r\n"
	                            "Upgrade: websocket\r\nConnection: Upgrade\r\n"
	                            "Sec-WebSocket-Version: 13\r\n"
	                            "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n",
	                            number, key);

	if (write(consumer->fd, request, (size_t)length) != length)
		die("write");
	while (size < 4 || memcmp(consumer->buffer + size - 4, "\r\n\r\n", 4)) {
		if (size == BUFFER || read(consumer->fd, consumer->buffer + size, 1) != 1)
			die("handshake");
		size++;
	}
	if (!memmem(consumer->buffer, size, " 101 ", 5)) {
		fprintf(stderr, "%.*s\n", (int)size, (const char *)consumer->buffer);
		exit(1);
	}
	fcntl(consumer->fd, F_SETFL, O_NONBLOCK);
}

static void take_message(const uint8_t *message, size_t size, int64_t now)
{
	const uint8_t *at = memmem(message, size, MARK, strlen(MARK));

	message_count++;
	byte_count += size;
	if (at && sample_count < MAX_SAMPLES)
		samples[sample_count++] =
		        (int32_t)(now - strtoll((const char *)at + strlen(MARK), NULL, 10));
}

/* Take the complete frames from a buffer and keep the rest. */
static void take_frames(struct consumer *consumer, int64_t now)
{
	size_t at = 0;

	while (consumer->used - at >= 2) {
		const uint8_t *frame = consumer->buffer + at;
		size_t size = frame[1] & 0x7f, head = 2;

		if (size == 126) {
			size = (size_t)frame[2] << 8 | frame[3];
			head = 4;
		} else if (size == 127) {
			fprintf(stderr, "a message of more than 64 KB\n");
			exit(1);
		}
		if (consumer->used - at < head + size)
			break;
		if ((frame[0] & 0x0f) == 1)
			take_message(frame + head, size, now);
		at += head + size;
	}
	memmove(consumer->buffer, consumer->buffer + at, consumer->used - at);
	consumer->used -= at;
}

static void drain(struct consumer *consumer)
{
	ssize_t size;

	while ((size = read(consumer->fd, consumer->buffer + consumer->used, BUFFER - consumer->used)) >
	       0) {
		consumer->used += (size_t)size;
		take_frames(consumer, wall_us());
	}
	if (size == 0) {
		fprintf(stderr, "the server closed a consumer\n");
		exit(1);
	}
}

static void report(void)
{
	int32_t p50 = 0, p99 = 0;

	qsort(samples, sample_count, sizeof(*samples), compare);
	if (sample_count) {
		p50 = samples[sample_count / 2];
		p99 = samples[sample_count * 99 / 100];
	}
	printf("{\"messages\": %llu, \"bytes\": %llu, \"timed\": %zu, \"p50_us\": %d, \"p99_us\": %d}\n",
	       (unsigned long long)message_count, (unsigned long long)byte_count, sample_count, p50, p99);
	fflush(stdout);
	message_count = byte_count = sample_count = 0;
}

int main(int argc, char **argv)
{
	const unsigned count = argc > 3 ? (unsigned)atoi(argv[3]) : 0;
	const int epoll = epoll_create1(0);
	struct consumer *consumers = calloc(count ? count : 1, sizeof(*consumers));
	struct epoll_event event = {.events = EPOLLIN}, ready[64];
	char line[64];

	samples = malloc(MAX_SAMPLES * sizeof(*samples));
	if (!count || !consumers || !samples || epoll < 0) {
		fprintf(stderr, "usage: drain PORT USER:PASSWORD COUNT\n");
		return 2;
	}
	for (unsigned i = 0; i < count; i++) {
		open_consumer(&consumers[i], (unsigned)atoi(argv[1]), argv[2], i);
		event.data.u32 = i;
		epoll_ctl(epoll, EPOLL_CTL_ADD, consumers[i].fd, &event);
	}
	event.data.u32 = count;
	epoll_ctl(epoll, EPOLL_CTL_ADD, 0, &event);
	printf("ready\n");
	fflush(stdout);
	for (;;) {
		const int n = epoll_wait(epoll, ready, 64, -1);

		for (int i = 0; i < n; i++) {
			if (ready[i].data.u32 < count) {
				drain(&consumers[ready[i].data.u32]);
				continue;
			}
			if (read(0, line, sizeof(line)) <= 0)
				return 0;
			report();
		}
	}
}
