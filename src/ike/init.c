/* IKE_SA_INIT: what both roles announce, note and derive; RFC 7296 sections 1.2, 2.14, 2.23,
 * RFC 7427 section 4, RFC 7383 section 2.3.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "ike/init.h"

#include "base/secret.h"
#include "ike/natd.h"
#include "wire/ip.h"

#include <string.h>

enum { HASH_IDENTITY = 5 };

struct init_ends init_ends_of(const struct peer *p)
{
    return (struct init_ends){p->conn, p->spi_i, p->spi_r, &p->local, &p->remote, NULL};
}

void init_put_natd(const struct ike *k, struct ike_chain *c, const struct init_ends *ends)
{
    const struct cv_crypto *crypto = k->core.crypto;
    /* encap = yes: claim a NAT by the hash of an address that nobody has; it is the same when
     * the message goes again with a cookie (RFC 7296 section 2.6) */
    const struct cv_endpoint nowhere = {.addr = {.family = CV_IPV4}};
    uint8_t hash[NATD_LEN];

    if (natd_hash(hash, crypto, ends->spi_i, ends->spi_r,
                  ends->conn->encap ? &nowhere : ends->local) != CV_OK)
        return;
    ike_put_notify(c, 0, span(NULL, 0), N_NAT_DETECTION_SOURCE_IP, span(hash, sizeof(hash)));
    if (natd_hash(hash, crypto, ends->spi_i, ends->spi_r, ends->remote) != CV_OK)
        return;
    ike_put_notify(c, 0, span(NULL, 0), N_NAT_DETECTION_DESTINATION_IP,
                   span(hash, sizeof(hash)));
}

void init_put_abilities(const struct ike *k, struct ike_chain *c, const struct init_ends *ends)
{
    static const uint8_t hashes[] = {0, CV_HASH_SHA2_256, 0, CV_HASH_SHA2_384,
                                     0, CV_HASH_SHA2_512, 0, HASH_IDENTITY};

    /* Who does not look for NATs has no use for it (RFC 7296 section 2.23). */
    if (ends->request == NULL || ike_find_notify(ends->request, N_NAT_DETECTION_SOURCE_IP))
        init_put_natd(k, c, ends);
    if (ends->conn->fragmentation)
        ike_put_notify(c, 0, span(NULL, 0), N_IKEV2_FRAGMENTATION_SUPPORTED, span(NULL, 0));
    ike_put_notify(c, 0, span(NULL, 0), N_SIGNATURE_HASH_ALGORITHMS,
                   span(hashes, sizeof(hashes)));
}

bool init_note_abilities(struct ike *k, struct ike_sa *sa, struct ike_hs *hs,
                         const struct ike_msg *m, const uint8_t spi_r[IKE_SPI_LEN])
{
    struct natd_result nat =
        natd_check(m, k->core.crypto, sa->peer.spi_i, spi_r, &sa->peer.local, &sa->peer.remote);
    const struct ike_notify *n = ike_find_notify(m, N_SIGNATURE_HASH_ALGORITHMS);

    sa->peer.nat_local = nat.local_nat;
    sa->peer.nat_remote = nat.remote_nat;
    sa->peer.encap = nat.present && (nat.local_nat || nat.remote_nat || sa->peer.conn->encap);
    sa->fragments = sa->peer.conn->fragmentation &&
                    ike_find_notify(m, N_IKEV2_FRAGMENTATION_SUPPORTED) != NULL;
    sa->peer.follows = ike_find_notify(m, N_REDIRECT_SUPPORTED) != NULL ||
                       ike_find_notify(m, N_REDIRECTED_FROM) != NULL;
    sa->peer_childless = ike_find_notify(m, N_CHILDLESS_IKEV2_SUPPORTED) != NULL;
    if (n != NULL) {
        struct rd r = rd_init(n->data);

        while (rd_left(&r) >= 2) {
            uint16_t id = rd_u16(&r);

            if (id < 16)
                hs->peer_hashes |= (uint16_t)(1U << id);
        }
    }
    hs_note_certreqs(hs, m);
    return nat.present;
}

enum cv_err init_keys(const struct ike *k, struct ike_change *ch, struct cv_span secret,
                      struct cv_span ni, struct cv_span nr)
{
    struct ike_plan *p = &ch->ike;
    const struct keymat_in in = {
        .secret = secret, .ni = ni, .nr = nr, .spi_i = p->spi_i, .spi_r = p->spi_r};
    enum cv_err err = ike_algs_find(&p->algs, k->core.crypto, &p->suite);

    return err != CV_OK ? err : keymat_ike(&p->keys, &ch->auth, &p->algs, &in);
}

void init_commit_keys(struct ike_sa *sa, struct ike_hs *hs, const struct ike_change *ch)
{
    sa->suite = ch->ike.suite;
    sa->keys = ch->ike.keys;
    sa->has_keys = true;
    hs->auth = ch->auth;
}
