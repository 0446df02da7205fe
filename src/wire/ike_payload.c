/* The payload chain, RFC 7296 section 3.2 and the fixed parts of sections 3.4 to 3.14.
 *
 * One walk turns a chain into a struct ike_msg.  Every body is bound by its own length
 * and every octet of the chain belongs to exactly one payload, or the walk fails.
 * RESERVED octets are ignored on receipt, as is the critical bit of a known payload
 * (RFC 7296 section 2.5).
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "wire/ike.h"

enum {
    CRITICAL = 0x80,
    CERT_X509_SIGNATURE = 4,
    CERT_OCSP = 14,
    NONCE_MIN = 16,
    NONCE_MAX = 256,
    SPI_LEN_ESP = 4
};

#define BIT(type) (UINT32_C(1) << ((type)-32))

/* A message has one of these at most; two would leave it to us which one counts. */
#define ONCE                                                                                   \
    (BIT(PL_SA) | BIT(PL_KE) | BIT(PL_IDI) | BIT(PL_IDR) | BIT(PL_AUTH) | BIT(PL_NONCE) |      \
     BIT(PL_TSI) | BIT(PL_TSR) | BIT(PL_CP) | BIT(PL_EAP) | BIT(PL_SK) | BIT(PL_SKF))

static bool is_known(uint8_t type)
{
    return (type >= PL_SA && type <= PL_EAP) || type == PL_SKF;
}

static enum cv_err done(const struct rd *body)
{
    return rd_done(body) ? CV_OK : CV_ERR_MALFORMED;
}

/* RFC 7296 section 3.4 */
static enum cv_err read_ke(struct ike_msg *m, struct rd *body)
{
    m->ke_group = rd_u16(body);
    rd_take(body, 2);
    m->ke_data = rd_rest(body);
    return done(body);
}

/* RFC 7296 section 3.8 */
static enum cv_err read_auth(struct ike_msg *m, struct rd *body)
{
    m->auth_method = rd_u8(body);
    rd_take(body, 3);
    m->auth = rd_rest(body);
    return done(body);
}

/* RFC 7296 section 3.6 */
static enum cv_err read_cert(struct ike_msg *m, struct rd *body)
{
    struct ike_cert *cert = &m->cert[m->n_cert];

    if (m->n_cert == IKE_CERTS_MAX)
        return CV_ERR_LIMIT;
    cert->encoding = rd_u8(body);
    cert->data = rd_rest(body);
    m->n_cert++;
    return done(body);
}

/* RFC 7296 section 3.7.  A request is a hint, so one that we cannot use is no fault. */
static enum cv_err read_certreq(struct ike_msg *m, struct rd *body)
{
    uint8_t encoding = rd_u8(body);
    struct cv_span hashes = rd_rest(body);

    if (encoding == CERT_X509_SIGNATURE && m->n_certreq < IKE_CERTREQS_MAX)
        m->certreq[m->n_certreq++] = hashes;
    m->wants_ocsp = m->wants_ocsp || encoding == CERT_OCSP;
    return done(body);
}

/* RFC 7296 section 3.10 */
static enum cv_err read_notify(struct ike_msg *m, struct rd *body)
{
    struct ike_notify *notify = &m->notify[m->n_notify];
    size_t spi_len;

    if (m->n_notify == IKE_NOTIFIES_MAX)
        return CV_ERR_LIMIT;
    notify->protocol = rd_u8(body);
    spi_len = rd_u8(body);
    notify->type = rd_u16(body);
    notify->spi = rd_take(body, spi_len);
    notify->data = rd_rest(body);
    m->n_notify++;
    return done(body);
}

/* RFC 7296 section 3.11: the SPI size "MUST be zero for IKE (SPI is in message header)
 * or four for AH and ESP".  Of protocols we do not know only the lengths count. */
static bool is_delete_spi_len(uint8_t protocol, uint8_t spi_len)
{
    if (protocol == CV_PROTO_IKE)
        return spi_len == 0;
    if (protocol == CV_PROTO_AH || protocol == CV_PROTO_ESP)
        return spi_len == SPI_LEN_ESP;
    return true;
}

static enum cv_err read_delete(struct ike_msg *m, struct rd *body)
{
    struct ike_delete *del = &m->del[m->n_del];

    if (m->n_del == IKE_DELETES_MAX)
        return CV_ERR_LIMIT;
    del->protocol = rd_u8(body);
    del->spi_len = rd_u8(body);
    del->n = rd_u16(body);
    del->spis = rd_take(body, (size_t)del->spi_len * del->n);
    m->n_del++;
    return is_delete_spi_len(del->protocol, del->spi_len) ? done(body) : CV_ERR_MALFORMED;
}

/* RFC 7383 section 2.5 */
static enum cv_err read_fragment(struct ike_msg *m, struct rd *body)
{
    m->is_skf = true;
    m->frag_no = rd_u16(body);
    m->frag_total = rd_u16(body);
    m->sk = rd_rest(body);
    return m->frag_no != 0 && m->frag_no <= m->frag_total ? done(body) : CV_ERR_MALFORMED;
}

/* Where a body goes that is kept whole; NULL for those with fixed parts. */
static struct cv_span *plain_slot(struct ike_msg *m, uint8_t type)
{
    switch (type) {
    case PL_SA:
        return &m->sa;
    case PL_IDI:
        return &m->idi;
    case PL_IDR:
        return &m->idr;
    case PL_NONCE:
        return &m->nonce;
    case PL_TSI:
        return &m->tsi;
    case PL_TSR:
        return &m->tsr;
    case PL_SK:
        return &m->sk;
    case PL_CP:
        return &m->cp;
    case PL_EAP:
        return &m->eap;
    case PL_VENDOR:
        return m->n_vendor < IKE_VENDORS_MAX ? &m->vendor[m->n_vendor++] : NULL;
    default:
        return NULL;
    }
}

static enum cv_err read_body(struct ike_msg *m, uint8_t type, struct rd *body)
{
    struct cv_span *slot = plain_slot(m, type);

    if (slot != NULL)
        *slot = rd_rest(body);
    switch (type) {
    case PL_KE:
        return read_ke(m, body);
    case PL_CERT:
        return read_cert(m, body);
    case PL_CERTREQ:
        return read_certreq(m, body);
    case PL_AUTH:
        return read_auth(m, body);
    case PL_NONCE: /* RFC 7296 section 3.9: "between 16 and 256 octets, inclusive" */
        return m->nonce.n >= NONCE_MIN && m->nonce.n <= NONCE_MAX ? CV_OK : CV_ERR_MALFORMED;
    case PL_NOTIFY:
        return read_notify(m, body);
    case PL_DELETE:
        return read_delete(m, body);
    case PL_SKF:
        return read_fragment(m, body);
    default:
        return CV_OK;
    }
}

enum cv_err ike_parse_payloads(struct ike_msg *out, uint8_t first, struct cv_span chain,
                               size_t base)
{
    struct rd r = rd_init(chain);
    uint8_t type = first;

    *out = (struct ike_msg){0};
    while (type != PL_NONE) {
        uint8_t next = rd_u8(&r);
        bool critical = rd_u8(&r) & CRITICAL;
        struct rd body = rd_block16(&r, IKE_PAYLOAD_HDR_LEN);
        bool sealed = type == PL_SK || type == PL_SKF;
        enum cv_err err;

        if (!rd_ok(&r))
            return CV_ERR_MALFORMED;
        if (!is_known(type)) {
            /* RFC 7296 section 2.5: reject when critical, otherwise MUST skip. */
            if (critical) {
                out->critical_type = type;
                return CV_ERR_CRITICAL;
            }
            type = next;
            continue;
        }
        if (out->present & ONCE & BIT(type))
            return CV_ERR_MALFORMED;
        out->present |= BIT(type);
        /* RFC 7296 section 3.14: SK "MUST be the last payload in the message"; inside
         * SK, where no IKE header comes before the chain, there is no second one. */
        if (sealed && (rd_left(&r) != 0 || base < IKE_HDR_LEN))
            return CV_ERR_MALFORMED;
        err = read_body(out, type, &body);
        if (err != CV_OK)
            return err;
        if (sealed) {
            out->sk_next = next;
            out->sk_offset = base + (chain.n - out->sk.n);
            return CV_OK;
        }
        type = next;
    }
    return rd_done(&r) ? CV_OK : CV_ERR_MALFORMED;
}

const struct ike_notify *ike_find_notify(const struct ike_msg *m, uint16_t type)
{
    for (unsigned i = 0; i < m->n_notify; i++)
        if (m->notify[i].type == type)
            return &m->notify[i];
    return NULL;
}

const struct ike_notify *ike_error_notify(const struct ike_msg *m)
{
    for (unsigned i = 0; i < m->n_notify; i++)
        if (m->notify[i].type <= N_ERROR_LAST)
            return &m->notify[i];
    return NULL;
}
