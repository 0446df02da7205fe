/* Owns: translation between struct cv_endpoint and the kernel's socket addresses.
 * Invariant: octets past a family's length stay zero, as struct cv_addr promises.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "linux/kernel/sockaddr.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

int addr_family(uint8_t family)
{
    switch (family) {
    case CV_IPV4:
        return AF_INET;
    case CV_IPV6:
        return AF_INET6;
    default:
        return AF_UNSPEC;
    }
}

struct cv_addr addr_make(uint8_t family, const void *octets)
{
    struct cv_addr a = {.family = family};

    memcpy(a.b, octets, family == CV_IPV4 ? 4 : 16);
    return a;
}

socklen_t addr_to_sockaddr(struct sockaddr_storage *out, const struct cv_endpoint *ep)
{
    memset(out, 0, sizeof(*out));
    if (ep->addr.family == CV_IPV4) {
        struct sockaddr_in sin = {.sin_family = AF_INET, .sin_port = htons(ep->port)};
        memcpy(&sin.sin_addr, ep->addr.b, 4);
        memcpy(out, &sin, sizeof(sin));
        return sizeof(sin);
    }
    if (ep->addr.family == CV_IPV6) {
        struct sockaddr_in6 sin6 = {.sin6_family = AF_INET6, .sin6_port = htons(ep->port)};
        memcpy(&sin6.sin6_addr, ep->addr.b, 16);
        memcpy(out, &sin6, sizeof(sin6));
        return sizeof(sin6);
    }
    return 0;
}

bool addr_from_sockaddr(struct cv_endpoint *out, const struct sockaddr_storage *sa)
{
    memset(out, 0, sizeof(*out));
    if (sa->ss_family == AF_INET) {
        struct sockaddr_in sin;
        memcpy(&sin, sa, sizeof(sin));
        out->addr = addr_make(CV_IPV4, &sin.sin_addr);
        out->port = ntohs(sin.sin_port);
        return true;
    }
    if (sa->ss_family == AF_INET6) {
        struct sockaddr_in6 sin6;
        memcpy(&sin6, sa, sizeof(sin6));
        if (IN6_IS_ADDR_V4MAPPED(&sin6.sin6_addr))
            out->addr = addr_make(CV_IPV4, sin6.sin6_addr.s6_addr + 12);
        else
            out->addr = addr_make(CV_IPV6, &sin6.sin6_addr);
        out->port = ntohs(sin6.sin6_port);
        return true;
    }
    return false;
}
