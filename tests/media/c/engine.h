/* A running engine for the C tests: commands, events with a deadline, phones on loopback. */
#ifndef TEST_ENGINE_H
#define TEST_ENGINE_H

#include <arpa/inet.h>
#include <poll.h>
#include <time.h>

#include "check.h"
#include "mp.h"
#include "rtp.h"

enum { DEADLINE_MS = 5000 };

static const struct mp_engine_conf CONF = {.rtp_start = 35000,
                                           .rtp_end = 36999,
                                           .workers = 1,
                                           .strict = MP_STRICT_YES,
                                           .probation = 4,
                                           .dtmf_timeout_ms = 150,
                                           .rtcp_interval_ms = 200,
                                           .rtp_checksums = true};

static inline struct mp_engine *start(unsigned workers)
{
	struct mp_engine_conf conf = CONF;
	struct mp_engine *e;

	conf.workers = workers;
	OK(mp_engine_open(&e, &conf));
	OK(mp_engine_start(e));
	return e;
}

static inline int submit(struct mp_engine *e, unsigned op, uint64_t handle, uint64_t other, int64_t a,
                         int64_t b)
{
	struct mp_cmd cmd = {.op = (uint16_t)op, .handle = handle, .other = other, .i = {a, b}};
	int err;

	if (op == MP_CMD_STREAM_BACKGROUND)
		cmd.text[0] = strdup("");
	while ((err = mp_engine_submit(e, &cmd)) == EAGAIN)
		mp_engine_flush(e);
	if (err)
		mp_cmd_free(&cmd);
	mp_engine_flush(e);
	return err;
}

/* Drain until there is an event of this type, or fail; returns its handle. */
static inline struct mp_event await_event(struct mp_engine *e, unsigned type)
{
	struct pollfd fd = {.fd = mp_engine_fd(e), .events = POLLIN};
	struct mp_event event;

	for (;;) {
		while (mp_engine_drain(e, &event, 1) == 1) {
			if (event.type == type)
				return event;
		}
		CHECK(poll(&fd, 1, DEADLINE_MS) == 1);
	}
}

static inline void configure(struct mp_engine *e, uint64_t handle, uint16_t port)
{
	struct mp_cmd cmd = {.op = MP_CMD_STREAM_CONFIGURE,
	                     .cookie = 1,
	                     .handle = handle,
	                     .i = {port, 1, 0, 20, 101, 1, 3, 0, 0, 0},
	                     .bytes_len = 128};

	cmd.text[0] = strdup("127.0.0.1");
	cmd.text[1] = strdup("");
	cmd.bytes = calloc(1, 128);
	cmd.bytes[0] = 1;
	OK(mp_engine_submit(e, &cmd));
	mp_engine_flush(e);
	CHECK(await_event(e, MP_EVENT_COMPLETED).i[1] ==
	      0); /* what comes before this is dropped as stale */
}

static uint64_t found;
static inline void find(const char *name, uint64_t value, void *wanted)
{
	if (strcmp(name, wanted) == 0)
		found = value;
}

static inline uint64_t counter(struct mp_engine *e, const char *name)
{
	found = 0;
	mp_engine_counters(e, find, (void *)(uintptr_t)name);
	return found;
}

static inline void drain_all(struct mp_engine *e)
{
	struct mp_event events[64];

	while (mp_engine_drain(e, events, 64))
		;
}

static inline void await_counter(struct mp_engine *e, const char *name, uint64_t wanted)
{
	const struct timespec ms = {.tv_nsec = 1000000};

	for (int i = 0; i < DEADLINE_MS && counter(e, name) != wanted; i++) {
		drain_all(e);
		nanosleep(&ms, NULL);
	}
	if (counter(e, name) != wanted)
		fprintf(stderr, "%s\n", name);
	EQ(wanted, counter(e, name));
}

static inline int phone(uint16_t *port)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(a);
	const int fd = socket(AF_INET, SOCK_DGRAM, 0);

	CHECK(fd >= 0 && !bind(fd, (struct sockaddr *)&a, len));
	OK(getsockname(fd, (struct sockaddr *)&a, &len));
	*port = ntohs(a.sin_port);
	return fd;
}

static inline void send_to(int fd, uint16_t port, const void *data, size_t len)
{
	const struct sockaddr_in a = {
	        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

	CHECK(sendto(fd, data, len, 0, (const struct sockaddr *)&a, sizeof(a)) == (ssize_t)len);
}

static inline void send_rtp(int fd, uint16_t port, uint16_t seq)
{
	uint8_t packet[172];
	const struct mp_rtp rtp = {.seq = seq, .ts = seq * 160u, .ssrc = 77};

	memset(packet, 0x55, sizeof(packet));
	mp_rtp_write(packet, &rtp);
	send_to(fd, port, packet, sizeof(packet));
}

static inline void move(struct mp_engine *e, unsigned worker, const uint64_t *handles, size_t count)
{
	struct mp_cmd cmd = {.op = MP_CMD_MOVE,
	                     .handle = handles[0],
	                     .i = {worker},
	                     .bytes_len = count * sizeof(*handles)};

	cmd.bytes = malloc(cmd.bytes_len);
	memcpy(cmd.bytes, handles, cmd.bytes_len);
	OK(mp_engine_submit(e, &cmd));
	mp_engine_flush(e);
}

#endif
