/*
 * The floor of playing: each of STREAMS sockets sends one G.711 packet every 20 ms, at a phase of
 * its own, and nothing else is done.
 *
 * usage: sender STREAMS. Reads as many ports to send to; ends when stdin closes.
 */
#include <poll.h>
#include <sys/timerfd.h>

#include "common.h"

#define PACKET    172
#define PERIOD_NS INT64_C(20000000)
#define BATCHES   4 /* wake-ups per period, as a server with phases would have */

int main(int argc, char **argv)
{
	const unsigned n = argc > 1 ? (unsigned)atoi(argv[1]) : 0;
	const int timer = timerfd_create(CLOCK_MONOTONIC, 0);
	const struct timespec period = {.tv_nsec = PERIOD_NS / BATCHES};
	const struct itimerspec beat = {.it_interval = period, .it_value = period};
	int *fds = calloc(n ? n : 1, sizeof(*fds));
	uint8_t packet[PACKET] = {0x80};
	struct pollfd ready[2] = {{.fd = timer, .events = POLLIN}, {.fd = 0, .events = POLLIN}};
	unsigned port, batch = 0;
	uint64_t beats;

	if (!n || !fds || timer < 0) {
		fprintf(stderr, "usage: sender STREAMS\n");
		return 2;
	}
	raise_file_limit();
	for (unsigned i = 0; i < n; i++) {
		fds[i] = open_udp(&port);
		if (scanf("%u", &port) != 1)
			return 1;
		connect_udp(fds[i], port);
	}
	timerfd_settime(timer, 0, &beat, NULL);
	while (poll(ready, 2, -1) > 0 && !ready[1].revents) {
		if (read(timer, &beats, sizeof(beats)) != sizeof(beats))
			continue;
		for (unsigned i = batch; i < n; i += BATCHES)
			(void)!send(fds[i], packet, sizeof(packet), 0);
		batch = (batch + 1) % BATCHES;
	}
	return 0;
}
