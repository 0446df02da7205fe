/* Transport mode of ESP: an IP packet without its header, and with one again (RFC 4303
 * section 3.1.1, RFC 3948 section 3.1.2).  Pure.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef IPSEC_TRANSPORT_H
#define IPSEC_TRANSPORT_H

#include <culvert/packet.h>

#include "wire/ip.h"

/* May flow go through a transport mode SA between these addresses?  CV_ERR_FRAGMENT;
 * CV_ERR_SELECTOR: not from local to remote; CV_ERR_NEXT_HEADER: an IPv6 packet with headers
 * that must stay outside. */
CV_MUST_USE enum cv_err transport_check(const struct cv_packet *pkt, const struct ip_flow *flow,
                                        const struct cv_addr *local,
                                        const struct cv_addr *remote);

/* Takes the IP header off; returns the next header. */
uint8_t transport_strip(struct cv_packet *pkt, const struct ip_flow *flow);

/* Puts an IP header from pkt->remote to pkt->local in front.  CV_ERR_NO_ROOM. */
CV_MUST_USE enum cv_err transport_restore(struct cv_packet *pkt, uint8_t next_header);

/* Computes the checksum of TCP, UDP and ICMPv6 anew, which a NAT made wrong by changing
 * addresses.  flow is the packet's own.  What is too short is left to the receiver. */
void transport_fix_checksum(struct cv_packet *pkt, const struct ip_flow *flow);

#endif
