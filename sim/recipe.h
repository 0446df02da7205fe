/* Connections for scenarios: a struct that owns everything a cv_conn points to, with
 * good defaults, so that a test names only what it is about.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SIM_RECIPE_H
#define SIM_RECIPE_H

#include <culvert/policy.h>

enum { RECIPE_CHILDREN = 3, RECIPE_TS = CV_TS_MAX };

struct recipe {
    struct cv_conn conn;
    char name[24];
    struct cv_proposal ike[2], esp[2];
    struct cv_child_config child[RECIPE_CHILDREN];
    char child_name[RECIPE_CHILDREN][24];
    const struct cv_child_config *children[RECIPE_CHILDREN];
    struct cv_ts_config local_ts[RECIPE_CHILDREN][RECIPE_TS];
    struct cv_ts_config remote_ts[RECIPE_CHILDREN][RECIPE_TS];
    struct cv_addr vips[2];
    struct cv_addr_range remote_range;
};

/* PSK, AES-128-GCM, PRF-HMAC-SHA-256, X25519, fragmentation, one tunnel child without
 * PFS and without selectors, no lifetimes, no liveness checks.  Everything points into
 * *r, which must not move. */
void recipe_init(struct recipe *r, const char *name, const char *local_id,
                 const char *remote_id);
/* Adds a child; returns its index.  The first one is there from the start. */
unsigned recipe_add_child(struct recipe *r);
void recipe_local_ts(struct recipe *r, unsigned child, struct cv_ts_config ts);
void recipe_remote_ts(struct recipe *r, unsigned child, struct cv_ts_config ts);
/* Gives the children's proposals a key exchange: perfect forward secrecy. */
void recipe_pfs(struct recipe *r, uint16_t ke);
/* AES-CBC with HMAC-SHA-256 instead of AES-GCM, for IKE and ESP. */
void recipe_cbc(struct recipe *r);
/* Another AEAD with this key length in bits (0: it has one) for IKE and ESP. */
void recipe_aead(struct recipe *r, uint16_t id, uint16_t bits);
/* AES-CBC for ESP alone, or no encryption: AH; with HMAC-SHA-256. */
void recipe_esp_cbc(struct recipe *r);
void recipe_ah(struct recipe *r);
/* Extended sequence numbers for ESP. */
void recipe_esn(struct recipe *r);
/* Replaces the key exchange of the IKE proposal by this list, best first. */
void recipe_ike_kes(struct recipe *r, const uint16_t *kes, unsigned n);

void recipe_id(struct cv_id *id, const char *fqdn);
struct cv_addr recipe_v4(uint8_t a, uint8_t b, uint8_t c, uint8_t d);
struct cv_addr recipe_v6(uint16_t net, uint16_t host); /* 2001:db8:net::host */
/* Every protocol and port; addr/prefix. */
struct cv_ts_config recipe_subnet(struct cv_addr addr, unsigned prefix);
struct cv_ts_config recipe_dynamic(void);

#endif
