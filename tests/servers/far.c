/* SPDX-License-Identifier: ISC */
/*
 * Preloaded into Dovecot, which takes a client that has the server's own
 * address for a safe one and lets it log in without TLS: to it, clients on
 * this machine come from 127.0.0.2.
 */

#define _GNU_SOURCE

#include <arpa/inet.h>
#include <dlfcn.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

static void
move(struct sockaddr *addr)
{
	struct sockaddr_in in;

	if (addr->sa_family != AF_INET)
		return;
	memcpy(&in, addr, sizeof in);
	if (in.sin_addr.s_addr == htonl(INADDR_LOOPBACK))
		in.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1);
	memcpy(addr, &in, sizeof in);
}

int
accept(int fd, struct sockaddr *restrict addr, socklen_t *restrict len)
{
	static int (*real)(int, struct sockaddr *, socklen_t *);
	void *sym;
	int rc;

	if (real == NULL) {
		sym = dlsym(RTLD_NEXT, "accept");
		memcpy(&real, &sym, sizeof real);
	}
	rc = real(fd, addr, len);
	if (rc != -1 && addr != NULL && len != NULL &&
	    *len >= (socklen_t)sizeof(struct sockaddr_in))
		move(addr);
	return rc;
}
