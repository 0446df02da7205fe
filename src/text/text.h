/* Text for the field's numbers, as charon spells them, and back.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef TEXT_TEXT_H
#define TEXT_TEXT_H

#include <culvert/engine.h>

#include "kit/problem.h"

/* charon's spelling: "AES_GCM_16", "HMAC_SHA2_256_128", "PRF_HMAC_SHA2_256",
 * "CURVE_25519", "ESTABLISHED", "INSTALLED"; "UNKNOWN" otherwise. */
const char *name_encr(uint16_t id);
const char *name_integ(uint16_t id);
const char *name_prf(uint16_t id);
const char *name_ke(uint16_t id);
const char *name_ike_state(uint8_t state);
const char *name_child_state(uint8_t state);

/* A proposal in strongSwan's notation: "aes128gcm16-prfsha256-x25519"; "default" gives the
 * first of proposal_defaults. */
bool proposal_parse(struct cv_proposal *out, enum cv_protocol protocol, const char *text,
                    struct problem *why);
/* Default proposals of a protocol (also what the word "default" means); returns how many. */
unsigned proposal_defaults(const struct cv_proposal **out, enum cv_protocol protocol);
/* "AES_GCM_16-128/PRF_HMAC_SHA2_256/CURVE_25519" as in charon's proposal log. */
void proposal_format(char *out, size_t n, const struct cv_proposal *p);

/* The same in the configuration's own words, to be put into one:
 * "aes128gcm16-prfsha256-x25519". A number that has no word there is "(encr 31)". */
void proposal_words(char *out, size_t n, const struct cv_proposal *p);

/* Walks the algorithms of p that are weak and only kept for old peers, by their configuration
 * word: *at starts as 0; NULL at the end. */
const char *proposal_next_weak(const struct cv_proposal *p, unsigned *at);

/* Identities: "%any", "10.0.0.1", "sensor-17.fleet.example", "u@example.com", "C=CH, O=x,
 * CN=*", "fqdn:...", "keyid:...", "@#hex", "asn1dn:#..." as strongSwan takes them. */
bool id_parse(struct cv_id *out, const char *text, struct problem *why);
void id_format(char *out, size_t n, const struct cv_id *id); /* as charon prints it */

/* Another gateway: CV_ID_IPV4, CV_ID_IPV6 or else CV_ID_FQDN, cut to what an identity holds. */
void gateway_parse(struct cv_id *out, const char *text);

bool addr_parse(struct cv_addr *out, const char *text);
void addr_format(char *out, size_t n, const struct cv_addr *a);
/* "10.0.0.1", "10.0.0.0/8", "10.0.0.1-10.0.0.9", "%any", "%any4", "%any6" */
bool range_parse(struct cv_addr_range *out, const char *text);
/* "10.1.0.0/16[tcp/443]", "dynamic[udp]", "fd00::/64" */
bool ts_parse(struct cv_ts_config *out, const char *text, struct problem *why);
void ts_format(
    char *out, size_t n,
    const struct cv_ts *ts); /* "10.1.0.0/16", "10.0.0.1/32[tcp/http]" as charon prints */

#endif
