/* Cutting an inner IPv4 packet before it is sealed: each piece is then a packet outside that
 * needs no reassembly before it is opened (RFC 4301 section 7).  Pure.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef IPSEC_SPLIT_H
#define IPSEC_SPLIT_H

#include <culvert/packet.h>

/* The first fragment of pkt, of at most mtu octets, goes to first, which has buf, cap and off
 * set; pkt becomes the fragment with the rest, in place.  CV_ERR_TOO_BIG: DF, not IPv4, or mtu
 * holds no eight octets of data; CV_ERR_ARGUMENT: pkt fits; CV_ERR_NO_ROOM; CV_ERR_MALFORMED:
 * options or an offset that lie; what ip_parse refuses.  Then both stay as they were. */
CV_MUST_USE enum cv_err split_first(struct cv_packet *pkt, size_t mtu, struct cv_packet *first);

#endif
