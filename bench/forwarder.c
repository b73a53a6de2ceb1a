/*
 * The floor: a single-threaded forwarder with nothing but epoll, recv and send.
 *
 * usage: forwarder STREAMS. Prints one local port a line, then reads as many remote ports; what
 * comes in on stream 2k goes out of 2k+1 and the other way round, until stdin closes.
 */
#include "common.h"

#define MAX_EVENTS 64

int main(int argc, char **argv)
{
	const unsigned n = argc > 1 ? (unsigned)atoi(argv[1]) : 0;
	const int epoll = epoll_create1(0);
	int *fds = calloc(n ? n : 1, sizeof(*fds));
	struct epoll_event events[MAX_EVENTS];
	uint8_t packet[2048];
	unsigned port;

	if (!n || n % 2 || !fds || epoll < 0) {
		fprintf(stderr, "usage: forwarder STREAMS (an even number)\n");
		return 2;
	}
	raise_file_limit();
	for (unsigned i = 0; i < n; i++) {
		fds[i] = open_udp(&port);
		printf("%u\n", port);
	}
	fflush(stdout);
	for (unsigned i = 0; i < n; i++) {
		if (scanf("%u", &port) != 1)
			return 1;
		connect_udp(fds[i], port);
		watch(epoll, fds[i], i);
	}
	watch(epoll, STDIN_FILENO, n);
	for (;;) {
		const int ready = epoll_wait(epoll, events, MAX_EVENTS, -1);

		for (int k = 0; k < ready; k++) {
			const uint32_t i = events[k].data.u32;
			ssize_t size;

			if (i == n)
				return 0;
			size = recv(fds[i], packet, sizeof(packet), 0);
			if (size > 0)
				(void)!send(fds[i ^ 1], packet, (size_t)size, 0);
		}
	}
}
