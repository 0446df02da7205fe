/* The responder's half of a CREATE_CHILD_SA exchange, RFC 7296 sections 1.3.1, 1.3.2.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "ike/ke_answer.h"

#include "base/secret.h"

enum cv_err ke_answer_make(const struct ike *k, const struct ike_msg *m, struct ke_answer *a)
{
    uint16_t group = a->choice.suite.ke;
    enum cv_err err = CV_OK;

    if (group != CV_KE_NONE) {
        if (!ike_has(m, PL_KE) || m->ke_group != group)
            return CV_ERR_KE_GROUP;
        a->ke = crypto_ke(k->core.crypto, group);
        if (a->ke == NULL)
            return CV_ERR_NO_PROPOSAL;
        err = crypto_encapsulate(a->ke, m->ke_data, a->pub, a->secret);
    }
    if (err == CV_OK && !core_random(&k->core, a->nonce, NONCE_LEN))
        err = CV_ERR_CRYPTO;
    if (err != CV_OK)
        wipe(a->secret, sizeof(a->secret));
    return err;
}

struct cv_span ke_answer_secret(const struct ke_answer *a)
{
    return span(a->secret, a->ke == NULL ? 0 : a->ke->secret_len);
}

void ke_answer_put(const struct ke_answer *a, struct ike_out *out)
{
    ike_put_payload(&out->chain, PL_NONCE, span(a->nonce, NONCE_LEN));
    if (a->ke != NULL)
        ike_put_ke(&out->chain, a->ke->id, span(a->pub, a->ke->answer_len));
}

void ke_answer_reject(const struct ke_answer *a, enum cv_err err, struct ike_out *out,
                      struct ike_change *ch)
{
    uint16_t wanted = a->choice.suite.ke;
    uint8_t group[2] = {(uint8_t)(wanted >> 8), (uint8_t)wanted};

    out_reject(out, ch, err, err == CV_ERR_KE_GROUP ? span(group, 2) : span(NULL, 0));
}
