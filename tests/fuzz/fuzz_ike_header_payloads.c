/* A whole IKE message: header, payload chain, and every body in it.
 *
 * The input is a datagram, with or without the non-ESP marker.  It is read as it is,
 * and once more with the header's length put right, so that mutations reach the chain.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "fuzz.h"
#include "wire/ike.h"

static void check_spans(const struct ike_msg *m, struct cv_span all)
{
    const struct cv_span bodies[] = {m->sa,  m->ke_data, m->nonce, m->idi, m->idr, m->auth,
                                     m->tsi, m->tsr,     m->cp,    m->eap, m->sk};

    for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++)
        FUZZ_CHECK(fuzz_within(bodies[i], all));
    for (unsigned i = 0; i < m->n_notify; i++)
        FUZZ_CHECK(fuzz_within(m->notify[i].spi, all) && fuzz_within(m->notify[i].data, all));
    for (unsigned i = 0; i < m->n_cert; i++)
        FUZZ_CHECK(fuzz_within(m->cert[i].data, all));
    for (unsigned i = 0; i < m->n_certreq; i++)
        FUZZ_CHECK(fuzz_within(m->certreq[i], all));
    for (unsigned i = 0; i < m->n_vendor; i++)
        FUZZ_CHECK(fuzz_within(m->vendor[i], all));
    for (unsigned i = 0; i < m->n_del; i++) {
        FUZZ_CHECK(fuzz_within(m->del[i].spis, all));
        FUZZ_CHECK(m->del[i].spis.n == (size_t)m->del[i].n * m->del[i].spi_len);
    }
}

static void check_sealed(const struct ike_msg *m, struct cv_span all, size_t base)
{
    if (!ike_has(m, PL_SK) && !ike_has(m, PL_SKF))
        return;
    FUZZ_CHECK(base >= IKE_HDR_LEN);
    FUZZ_CHECK(m->sk_offset + m->sk.n == base + all.n);
    if (m->is_skf)
        FUZZ_CHECK(m->frag_no >= 1 && m->frag_no <= m->frag_total);
}

static void read_bodies(const struct ike_msg *m)
{
    struct cv_id id;
    struct cv_ts_list ts;
    struct ike_cp cp;

    if (ike_check_sa(m->sa) == CV_OK)
        FUZZ_CHECK(m->sa.n >= 8);
    if (ike_parse_id(&id, m->idi) == CV_OK)
        FUZZ_CHECK(id.type != CV_ID_ANY && id.n + 4U == m->idi.n);
    if (ike_parse_ts(&ts, m->tsi) == CV_OK)
        FUZZ_CHECK(ts.n <= CV_TS_MAX);
    if (ike_parse_cp(&cp, m->cp) == CV_OK)
        FUZZ_CHECK(cp.n_dns <= 4);
    ike_find_notify(m, N_COOKIE);
    ike_error_notify(m);
}

static void read_chain(uint8_t first, struct cv_span chain, size_t base)
{
    struct ike_msg m;

    if (ike_parse_payloads(&m, first, chain, base) != CV_OK)
        return;
    check_spans(&m, chain);
    check_sealed(&m, chain, base);
    if (ike_has(&m, PL_NONCE))
        FUZZ_CHECK(m.nonce.n >= 16 && m.nonce.n <= 256);
    read_bodies(&m);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct ike_hdr h;
    struct cv_span all;

    if (n > 4 && memcmp(data, "\0\0\0\0", 4) == 0) {
        data += 4;
        n -= 4;
    }
    all = span(data, n);
    if (ike_parse_hdr(&h, all) == CV_OK)
        FUZZ_CHECK(h.length == n);
    if (n < IKE_HDR_LEN)
        return 0;
    all = span(data + IKE_HDR_LEN, n - IKE_HDR_LEN);
    read_chain(h.next, all, IKE_HDR_LEN);
    read_chain(h.next, all, 0); /* as if it had been inside SK */
    return 0;
}
