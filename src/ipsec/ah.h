/* AH on one packet in place (RFC 4302): seal and open with one direction's SA, which is a
 * struct esp_sa with a MAC and no cipher.
 *
 * Tunnel mode is transport mode for the outer packet: the caller puts the outer header in
 * front first, or goes on behind AH afterwards.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef IPSEC_AH_H
#define IPSEC_AH_H

#include "ipsec/esp.h"
#include "wire/ah_hdr.h"
#include "wire/ip.h"

/* An IP packet that has an AH: the headers before it, and it. */
struct ah_place {
    struct ip_flow outer; /* hdr_len: where AH is */
    struct ah_header ah;
};

/* As esp_key_len and esp_sa_open, for a suite with integ alone. */
size_t ah_key_len(const struct cv_crypto *crypto, const struct cv_suite *suite);
CV_MUST_USE enum cv_err ah_sa_open(struct esp_sa *sa, const struct cv_crypto *crypto,
                                   const struct cv_suite *suite, uint32_t spi);

/* Octets that AH adds to a packet of this family. */
size_t ah_len(const struct esp_sa *sa, bool v6);

/* Puts AH behind the headers of an IP packet, which flow describes.  The number is spent even
 * when the MAC fails.  Anything but CV_ERR_CRYPTO leaves packet and SA as they were:
 * CV_ERR_NO_ROOM, CV_ERR_TOO_BIG, CV_ERR_LIMIT (headers above AH_HEADERS_MAX),
 * CV_ERR_SEQ_EXHAUSTED, and what ah_settle refuses. */
CV_MUST_USE enum cv_err ah_seal(struct esp_sa *sa, struct cv_packet *pkt,
                                const struct ip_flow *flow);

/* Finds AH in an IP packet.  What ip_parse and ah_parse refuse; CV_ERR_FRAGMENT;
 * CV_ERR_NEXT_HEADER: there is none. */
CV_MUST_USE enum cv_err ah_find(struct ah_place *out, const struct cv_packet *pkt);

/* Could this be a packet of sa?  CV_ERR_MALFORMED: another ICV length; CV_ERR_LIMIT. */
CV_MUST_USE enum cv_err ah_check(const struct esp_sa *sa, const struct ah_place *at);

/* Verifies a packet that passed ah_check; it stays as it is. */
CV_MUST_USE enum cv_err ah_open(const struct esp_sa *sa, uint64_t seq,
                                const struct cv_packet *pkt, const struct ah_place *at);

/* Takes AH out of the packet (transport mode). */
void ah_remove(struct cv_packet *pkt, const struct ah_place *at);

/* Goes on behind AH (tunnel mode). */
void ah_enter(struct cv_packet *pkt, const struct ah_place *at);

#endif
