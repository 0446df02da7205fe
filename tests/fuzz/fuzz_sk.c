/* Encrypted payloads: what the network brings, what a peer seals, what somebody changes
 * on the way; and the gathering of fragments.
 *
 * The first octet chooses the algorithms, the second what is done with the rest:
 * RAW opens it as a message, SEALED and TAMPERED make it the plaintext of a message
 * of ours, FRAGMENTS hands out its pieces as fragments.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "crypto/crypto.h"
#include "fuzz.h"
#include "ike/frag.h"
#include "ike/sk.h"

enum { MESSAGE_MAX = 8192, PLAIN_MAX = 4096, FRAGMENT_BUFFER = 2048 };

enum mode { RAW, SEALED, TAMPERED, FRAGMENTS, MODES };

static const struct cv_suite suites[] = {
    {.encr = CV_ENCR_AES_GCM_16,   .encr_bits = 128, .prf = CV_PRF_HMAC_SHA2_256},
    { .encr = CV_ENCR_CHACHA20_POLY1305, .prf = CV_PRF_HMAC_SHA2_256                },
    {                                                              .encr = CV_ENCR_AES_CBC,
     .encr_bits = 128,
     .integ = CV_INTEG_HMAC_SHA2_256_128,
     .prf = CV_PRF_HMAC_SHA2_256},
};

static const struct sk_keys keys = {
    .e = {1, 2, 3},
      .a = {4, 5, 6}
};

static const struct ike_hdr hdr = {.spi_i = {1},
                                   .spi_r = {2},
                                   .version = 0x20,
                                   .exchange = EX_INFORMATIONAL,
                                   .flags = IKE_F_INITIATOR,
                                   .msg_id = 3};

/* Randomness that every run has the same. */
static bool same_octets(uint8_t *out, size_t n)
{
    memset(out, 0x5a, n);
    return true;
}

static struct cv_crypto backend(void)
{
    struct cv_crypto c = cv_crypto_openssl;

    c.random = same_octets;
    return c;
}

/* Parses and opens msg in place; plain lies inside it afterwards. */
static enum cv_err open_message(uint8_t *msg, size_t n, const struct ike_algs *algs,
                                struct ike_msg *m, struct cv_span *plain)
{
    struct ike_hdr h;
    enum cv_err err = ike_parse_hdr(&h, span(msg, n));

    if (err == CV_OK)
        err = ike_parse_payloads(m, h.next, span(msg + IKE_HDR_LEN, n - IKE_HDR_LEN),
                                 IKE_HDR_LEN);
    if (err == CV_OK && !ike_has(m, PL_SK) && !ike_has(m, PL_SKF))
        err = CV_ERR_IKE_UNPROTECTED;
    if (err == CV_OK)
        err = sk_open(msg, n, m, algs, &keys, plain);
    if (err == CV_OK)
        FUZZ_CHECK(fuzz_within(*plain, span(msg, n)));
    return err;
}

static void open_raw(const struct ike_algs *algs, struct cv_span body)
{
    static uint8_t msg[MESSAGE_MAX];
    struct cv_span plain;
    struct ike_msg m;

    memcpy(msg, body.p, body.n);
    FUZZ_CHECK(open_message(msg, body.n, algs, &m, &plain) != CV_OK);
}

static size_t seal(uint8_t msg[MESSAGE_MAX], const struct ike_algs *algs, bool fragment,
                   uint8_t first, struct cv_span body)
{
    struct cv_crypto c = backend();
    struct wr w = wr_init(msg, MESSAGE_MAX);
    const struct sk_message m = {hdr, first, fragment ? 2 : 0, fragment ? 3 : 0, body};
    enum cv_err err =
        fragment ? sk_seal_fragment(&w, &c, algs, &keys, &m) : sk_seal(&w, &c, algs, &keys, &m);

    FUZZ_CHECK(err == CV_OK);
    FUZZ_CHECK(w.n <= body.n + sk_overhead(algs, fragment));
    return w.n;
}

/* The plaintext of an authentic message is anything at all. */
static void open_sealed(const struct ike_algs *algs, struct cv_span body, uint8_t first)
{
    static uint8_t msg[MESSAGE_MAX];
    size_t n = seal(msg, algs, first & 0x80, first, body);
    struct cv_span plain;
    struct ike_msg m, inner;

    FUZZ_CHECK(open_message(msg, n, algs, &m, &plain) == CV_OK);
    FUZZ_CHECK(span_equal(plain, body));
    FUZZ_CHECK(m.sk_next == first);
    if (ike_parse_payloads(&inner, first, plain, 0) == CV_OK)
        FUZZ_CHECK(!ike_has(&inner, PL_SK) && !ike_has(&inner, PL_SKF));
}

static void open_tampered(const struct ike_algs *algs, struct rd *r)
{
    static uint8_t msg[MESSAGE_MAX];
    size_t at = rd_u16(r);
    uint8_t change = rd_u8(r);
    size_t n = seal(msg, algs, at & 1, PL_NOTIFY, rd_rest(r));
    struct cv_span plain;
    struct ike_msg m;

    msg[at % n] ^= change != 0 ? change : 1;
    FUZZ_CHECK(open_message(msg, n, algs, &m, &plain) != CV_OK);
}

/* Every piece is four octets of header and the octets that follow: a small language in
 * which fragments come late, twice, too large, and change their minds about the total. */
static void gather(struct rd *r)
{
    static uint8_t buf[FRAGMENT_BUFFER], whole[FRAGMENT_BUFFER];
    struct frag f = {0};

    while (rd_left(r) > 0) {
        struct frag_piece piece = {.msg_id = rd_u8(r) & 1, .first = PL_NOTIFY};
        bool complete = false;
        enum cv_err err;
        size_t len;

        piece.no = rd_u8(r) % (FRAGS_MAX + 2);
        piece.total = rd_u8(r) % (FRAGS_MAX + 2);
        len = rd_u8(r);
        piece.plain = rd_take(r, len < rd_left(r) ? len : rd_left(r));
        err = frag_add(&f, buf, sizeof(buf), &piece, &complete);

        FUZZ_CHECK(f.got <= f.total && f.used <= sizeof(buf));
        FUZZ_CHECK(err == CV_OK || !complete);
        if (!complete)
            continue;
        FUZZ_CHECK(f.got == f.total);
        FUZZ_CHECK(frag_assemble(&f, buf, whole, sizeof(whole)) == f.used);
        FUZZ_CHECK(f.used == 0 || frag_assemble(&f, buf, whole, f.used - 1) == 0);
        f = (struct frag){0};
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct rd r = rd_init(span(data, n));
    const struct cv_suite *suite = &suites[rd_u8(&r) % (sizeof(suites) / sizeof(suites[0]))];
    enum mode mode = rd_u8(&r) % MODES;
    struct ike_algs algs;
    uint8_t first;

    if (!rd_ok(&r) || rd_left(&r) < 1 || rd_left(&r) > PLAIN_MAX)
        return 0;
    FUZZ_CHECK(ike_algs_find(&algs, &cv_crypto_openssl, suite) == CV_OK);
    switch (mode) {
    case RAW:
        open_raw(&algs, rd_rest(&r));
        break;
    case SEALED:
        first = rd_u8(&r);
        open_sealed(&algs, rd_rest(&r), first);
        break;
    case TAMPERED:
        open_tampered(&algs, &r);
        break;
    default:
        gather(&r);
        break;
    }
    return 0;
}
