/* Addresses, port pairs and sending. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/ip.h>
#include <string.h>
#include <unistd.h>

#include "core.h"

int mp_addr_parse(struct mp_addr *addr, const char *host, uint16_t port)
{
	if (!addr || !host)
		return EINVAL;
	memset(addr, 0, sizeof(*addr));
	if (inet_pton(AF_INET, host, &addr->u.in.sin_addr) == 1) {
		addr->u.in.sin_family = AF_INET;
		addr->u.in.sin_port = htons(port);
		addr->len = sizeof(addr->u.in);
		return 0;
	}
	if (inet_pton(AF_INET6, host, &addr->u.in6.sin6_addr) == 1) {
		addr->u.in6.sin6_family = AF_INET6;
		addr->u.in6.sin6_port = htons(port);
		addr->len = sizeof(addr->u.in6);
		return 0;
	}
	return EINVAL;
}

bool mp_addr_equal(const struct mp_addr *a, const struct mp_addr *b)
{
	if (a->u.sa.sa_family != b->u.sa.sa_family || !a->len || !b->len)
		return false;
	if (a->u.sa.sa_family == AF_INET)
		return a->u.in.sin_port == b->u.in.sin_port &&
		       a->u.in.sin_addr.s_addr == b->u.in.sin_addr.s_addr;
	return a->u.in6.sin6_port == b->u.in6.sin6_port &&
	       memcmp(&a->u.in6.sin6_addr, &b->u.in6.sin6_addr, sizeof(a->u.in6.sin6_addr)) == 0;
}

static int open_bound(int *fd, const struct mp_addr *addr, const struct mp_engine_conf *conf, int tos)
{
	const int one = 1;

	*fd = socket(addr->u.sa.sa_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (*fd < 0)
		return errno;
	if (addr->u.sa.sa_family == AF_INET6)
		(void)setsockopt(*fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one));
	if (!conf->rtp_checksums)
		(void)setsockopt(*fd, SOL_SOCKET, SO_NO_CHECK, &one, sizeof(one));
	if (tos && addr->u.sa.sa_family == AF_INET)
		(void)setsockopt(*fd, IPPROTO_IP, IP_TOS, &tos, sizeof(tos));
	else if (tos)
		(void)setsockopt(*fd, IPPROTO_IPV6, IPV6_TCLASS, &tos, sizeof(tos));
	if (!bind(*fd, &addr->u.sa, addr->len))
		return 0;
	const int err = errno;
	close(*fd);
	*fd = -1;
	return err;
}

int mp_sock_open_pair(int fds[2], uint16_t *port, struct mp_engine *e, const char *host, int tos)
{
	const unsigned first = (e->conf.rtp_start + 1u) & ~1u;
	const unsigned pairs = (e->conf.rtp_end + 1u - first) / 2;
	struct mp_addr addr;
	int err = EADDRINUSE;

	for (unsigned i = 0; i < pairs && err == EADDRINUSE; i++) {
		const unsigned at = first + 2 * (e->next_port++ % pairs);

		err = mp_addr_parse(&addr, host, (uint16_t)at);
		if (err)
			return err;
		err = open_bound(&fds[0], &addr, &e->conf, tos);
		if (err)
			continue;
		(void)mp_addr_parse(&addr, host, (uint16_t)(at + 1));
		err = open_bound(&fds[1], &addr, &e->conf, tos);
		if (err)
			close(fds[0]);
		else
			*port = (uint16_t)at;
	}
	return err;
}

static void set_flag(int fd, int level, int name, int value)
{
	(void)setsockopt(fd, level, name, &value, sizeof(value));
}

static void copy_option(int to, int from, int level, int name)
{
	int value;
	socklen_t len = sizeof(value);

	if (!getsockopt(from, level, name, &value, &len))
		set_flag(to, level, name, value);
}

/*
 * Open a second socket on the port of `bound` that is connected to `remote`. The kernel gives it what comes
 * from there, and everything else to `bound`. Sharing a port is allowed for this moment only, so nobody
 * else gets hold of it. If *fd is open already it is connected anew.
 */
int mp_sock_open_peer(int *fd, int bound, const struct mp_addr *remote)
{
	struct mp_addr local = {.len = sizeof(local.u)};
	int err = 0;

	if (*fd >= 0)
		return connect(*fd, &remote->u.sa, remote->len) ? errno : 0;
	if (getsockname(bound, &local.u.sa, &local.len))
		return errno;
	*fd = socket(local.u.sa.sa_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (*fd < 0)
		return errno;
	if (local.u.sa.sa_family == AF_INET6)
		set_flag(*fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
	copy_option(*fd, bound, SOL_SOCKET, SO_NO_CHECK);
	copy_option(*fd, bound, IPPROTO_IP, IP_TOS);
	copy_option(*fd, bound, IPPROTO_IPV6, IPV6_TCLASS);
	set_flag(bound, SOL_SOCKET, SO_REUSEADDR, 1);
	set_flag(*fd, SOL_SOCKET, SO_REUSEADDR, 1);
	if (bind(*fd, &local.u.sa, local.len) || connect(*fd, &remote->u.sa, remote->len))
		err = errno;
	set_flag(bound, SOL_SOCKET, SO_REUSEADDR, 0);
	set_flag(*fd, SOL_SOCKET, SO_REUSEADDR, 0);
	if (err) {
		close(*fd);
		*fd = -1;
	}
	return err;
}
