/* IKE_SA_INIT: what both roles announce, note and derive; RFC 7296 sections 1.2, 2.14, 2.23,
 * RFC 7427 section 4, RFC 7383 section 2.3.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "ike/init.h"

#include "base/secret.h"
#include "ike/natd.h"

#include <string.h>

enum { HASH_IDENTITY = 5 };

static void put_natd(struct ike *k, struct ike_chain *c, const struct ike_sa *sa)
{
    uint8_t hash[NATD_LEN];

    /* encap = yes: claim a NAT by a hash that fits no address */
    if (sa->peer.conn != NULL && sa->peer.conn->encap) {
        if (!core_random(&k->core, hash, sizeof(hash)))
            return;
    } else if (natd_hash(hash, k->core.crypto, sa->peer.spi_i, sa->peer.spi_r,
                         &sa->peer.local) != CV_OK) {
        return;
    }
    ike_put_notify(c, 0, span(NULL, 0), N_NAT_DETECTION_SOURCE_IP, span(hash, sizeof(hash)));
    if (natd_hash(hash, k->core.crypto, sa->peer.spi_i, sa->peer.spi_r, &sa->peer.remote) !=
        CV_OK)
        return;
    ike_put_notify(c, 0, span(NULL, 0), N_NAT_DETECTION_DESTINATION_IP,
                   span(hash, sizeof(hash)));
}

/* What both sides announce. */
void init_put_abilities(struct ike *k, struct ike_chain *c, const struct ike_sa *sa)
{
    static const uint8_t hashes[] = {0, CV_HASH_SHA2_256, 0, CV_HASH_SHA2_384,
                                     0, CV_HASH_SHA2_512, 0, HASH_IDENTITY};

    put_natd(k, c, sa);
    if (sa->peer.conn->fragmentation)
        ike_put_notify(c, 0, span(NULL, 0), N_IKEV2_FRAGMENTATION_SUPPORTED, span(NULL, 0));
    ike_put_notify(c, 0, span(NULL, 0), N_SIGNATURE_HASH_ALGORITHMS,
                   span(hashes, sizeof(hashes)));
}

/* What both sides note about the peer's first message. */
void init_note_abilities(struct ike *k, struct ike_sa *sa, struct ike_hs *hs,
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
}

/* SKEYSEED and the SA's keys; it has algorithms only when it has keys. */
static enum cv_err derive_keys(struct ike *k, struct ike_sa *sa, struct ike_hs *hs,
                               const uint8_t *secret)
{
    struct ike_algs algs;
    enum cv_err err = ike_algs_find(&algs, k->core.crypto, &sa->suite);

    if (err == CV_OK)
        err = keymat_ike(&sa->keys, &hs->auth, &algs, span(secret, hs->ke->secret_len),
                         span(hs->ni, hs->ni_len), span(hs->nr, hs->nr_len), sa->peer.spi_i,
                         sa->peer.spi_r, NULL, NULL);
    if (err == CV_OK)
        sa->algs = algs;
    return err;
}

enum cv_err init_answer_ke(struct ike *k, struct ike_sa *sa, struct ike_hs *hs,
                           struct cv_span peer_pub)
{
    uint8_t secret[CV_KE_SECRET_MAX];
    enum cv_err err;

    hs->ke = crypto_ke(k->core.crypto, sa->suite.ke);
    if (hs->ke == NULL)
        return CV_ERR_UNSUPPORTED;
    err = crypto_encapsulate(hs->ke, peer_pub, hs->ke_pub, secret);
    if (err == CV_OK)
        err = derive_keys(k, sa, hs, secret);
    wipe(secret, sizeof(secret));
    return err;
}

enum cv_err init_finish_ke(struct ike *k, struct ike_sa *sa, struct ike_hs *hs,
                           struct cv_span answer)
{
    uint8_t secret[CV_KE_SECRET_MAX];
    enum cv_err err = crypto_decapsulate(hs->ke, hs->ke_key, answer, secret);

    if (err == CV_OK)
        err = derive_keys(k, sa, hs, secret);
    wipe(secret, sizeof(secret));
    if (err != CV_OK)
        return err;
    hs->ke->free_key(hs->ke_key);
    hs->ke_key = NULL;
    return CV_OK;
}

enum cv_err init_new_ke(struct ike *k, struct ike_hs *hs, uint16_t group)
{
    if (hs->ke_key != NULL)
        hs->ke->free_key(hs->ke_key);
    hs->ke_key = NULL;
    hs->ke = crypto_ke(k->core.crypto, group);
    if (hs->ke == NULL)
        return CV_ERR_UNSUPPORTED;
    hs->ke_key = hs->ke->generate(hs->ke_pub);
    return hs->ke_key == NULL ? CV_ERR_CRYPTO : CV_OK;
}

enum cv_err init_input(struct ike *k, const struct ike_hdr *h, struct cv_span datagram,
                       const struct ike_path *path)
{
    /* What cannot be kept for AUTH is not worth looking at. */
    if (datagram.n > k->core.set.limits.message_size)
        return CV_ERR_TOO_BIG;
    return h->flags & IKE_F_RESPONSE ? init_response(k, h, datagram, path)
                                     : init_request(k, h, datagram, path);
}
