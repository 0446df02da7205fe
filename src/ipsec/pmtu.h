/* Packet Too Big: telling an inner sender (RFC 1191, 4443, 8201), and reading what routers
 * outside tell us (RFC 4301 section 8.2).  Pure.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef IPSEC_PMTU_H
#define IPSEC_PMTU_H

#include <culvert/packet.h>

#include "wire/ip.h"

/* pkt, an inner packet that ipsec_out refused with CV_ERR_TOO_BIG, becomes the ICMP message
 * for its sender, in place: mtu is what would have fitted, from whose address the message
 * comes (NULL: as if from the destination).  The verdict is CV_DELIVER: it goes back to where
 * pkt came from.  The host bounds how many it sends.  CV_ERR_NO_ROOM; CV_ERR_UNSUPPORTED:
 * such a packet is not answered (ICMP error, later fragment, multicast), and stays. */
CV_MUST_USE enum cv_err pmtu_answer(struct cv_packet *pkt, size_t mtu,
                                    const struct cv_addr *from);

/* One of our packets that did not arrive, as a router quotes it. */
struct pmtu_report {
    struct cv_addr local, remote; /* the quoted packet's source and destination */
    size_t mtu;                   /* 0: it was not too big, but something else was wrong */
    uint8_t proto;                /* ESP, AH or UDP */
    uint32_t spi;                 /* 0: too little was quoted */
    uint16_t sport, dport;
};

/* Reads a whole IP packet with an ICMP error.  It proves nothing about who sent it.
 * CV_ERR_UNSUPPORTED: any other message; CV_ERR_MALFORMED: cut short, wrong, or about what is
 * neither ESP nor AH nor UDP; what ip_parse refuses. */
CV_MUST_USE enum cv_err pmtu_parse_error(struct pmtu_report *out, struct cv_span packet);
/* The same for a Packet Too Big alone. */
CV_MUST_USE enum cv_err pmtu_parse(struct pmtu_report *out, struct cv_span packet);

#endif
