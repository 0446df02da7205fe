/* Transport mode of ESP: an IP packet without its header, and with one again (RFC 4303
 * section 3.1.1, RFC 3948 section 3.1.2).  Pure.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef IPSEC_TRANSPORT_H
#define IPSEC_TRANSPORT_H

#include <culvert/packet.h>

#include "wire/ip.h"

/* May flow go through a transport mode SA between these addresses?  CV_ERR_FRAGMENT;
 * CV_ERR_SELECTOR: not from local to remote. */
CV_MUST_USE enum cv_err transport_check(const struct ip_flow *flow, const struct cv_addr *local,
                                        const struct cv_addr *remote);

/* Takes the headers in front off and puts them room octets further to the front, where they
 * stand right before the packet when ESP, and UDP, have filled as many.  There is that much. */
void transport_strip(struct cv_packet *pkt, const struct ip_front *front, size_t room);
/* Undoes this, before anything was written between. */
void transport_unstrip(struct cv_packet *pkt, size_t room);
/* ESP is there: the headers say so. */
void transport_name(struct cv_packet *pkt, const struct ip_front *front, bool udp);

/* Could this packet have an IP header again?  Before it is opened, which moves it gap octets to
 * the back.  CV_ERR_NO_ROOM; CV_ERR_LIMIT: the host could not keep its headers; what
 * ip_front_take refuses. */
CV_MUST_USE enum cv_err transport_may_open(const struct cv_packet *pkt, size_t gap);

/* Puts an IP header from pkt->remote to pkt->local in front: the one that arrived in front of
 * ESP at esp_at, or where the host had none, a new one.  CV_ERR_NEXT_HEADER, CV_ERR_NO_ROOM. */
CV_MUST_USE enum cv_err transport_restore(struct cv_packet *pkt, uint8_t next_header,
                                          size_t esp_at);

/* Computes the checksum of TCP, UDP and ICMPv6 anew, which a NAT made wrong by changing
 * addresses.  flow is the packet's own.  What is too short is left to the receiver. */
void transport_fix_checksum(struct cv_packet *pkt, const struct ip_flow *flow);

#endif
