/* The engine's addresses as socket addresses and back.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef LINUX_KERNEL_SOCKADDR_H
#define LINUX_KERNEL_SOCKADDR_H

#include <sys/socket.h>

#include <culvert/types.h>

int addr_family(uint8_t family); /* AF_INET, AF_INET6, AF_UNSPEC */

/* Octets of sockaddr written to out; 0 when the endpoint has no family. */
socklen_t addr_to_sockaddr(struct sockaddr_storage *out, const struct cv_endpoint *ep);

/* False, out zero, for families other than IPv4 and IPv6.  An IPv4-mapped IPv6 address
 * comes out as IPv4. */
bool addr_from_sockaddr(struct cv_endpoint *out, const struct sockaddr_storage *sa);

struct cv_addr addr_make(uint8_t family, const void *octets);

#endif
