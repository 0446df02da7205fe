/* Owns proposals: their notation, what a valid one needs, the defaults.
 *
 * A proposal that leaves here is one the engine can offer: IKE has a cipher, a PRF, a key
 * exchange, and integrity unless the cipher is an AEAD; ESP has a cipher, integrity by the
 * same rule, and says whether sequence numbers are extended; AH has integrity.  RFC 7296
 * section 3.3.3; for AEADs RFC 5282 section 8 and RFC 8221 section 5.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "text/names_alg.h"
#include "text/text.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* RFC 8247's MUSTs and SHOULDs, an AEAD and X25519 first; nothing weak. */
static const struct cv_proposal ike_defaults[] = {
    {.protocol = CV_PROTO_IKE,
     .n = 13,
     .t = {{CV_ENCR, CV_ENCR_AES_GCM_16, 128},
           {CV_ENCR, CV_ENCR_AES_GCM_16, 256},
           {CV_ENCR, CV_ENCR_CHACHA20_POLY1305, 0},
           {CV_PRF, CV_PRF_HMAC_SHA2_256, 0},
           {CV_PRF, CV_PRF_HMAC_SHA2_384, 0},
           {CV_PRF, CV_PRF_HMAC_SHA2_512, 0},
           {CV_KE, CV_KE_X25519, 0},
           {CV_KE, CV_KE_ECP_256, 0},
           {CV_KE, CV_KE_ECP_384, 0},
           {CV_KE, CV_KE_ECP_521, 0},
           {CV_KE, CV_KE_MODP_2048, 0},
           {CV_KE, CV_KE_MODP_3072, 0},
           {CV_KE, CV_KE_MODP_4096, 0}}},
    {.protocol = CV_PROTO_IKE,
     .n = 16,
     .t = {{CV_ENCR, CV_ENCR_AES_CBC, 128},
           {CV_ENCR, CV_ENCR_AES_CBC, 192},
           {CV_ENCR, CV_ENCR_AES_CBC, 256},
           {CV_INTEG, CV_INTEG_HMAC_SHA2_256_128, 0},
           {CV_INTEG, CV_INTEG_HMAC_SHA2_384_192, 0},
           {CV_INTEG, CV_INTEG_HMAC_SHA2_512_256, 0},
           {CV_PRF, CV_PRF_HMAC_SHA2_256, 0},
           {CV_PRF, CV_PRF_HMAC_SHA2_384, 0},
           {CV_PRF, CV_PRF_HMAC_SHA2_512, 0},
           {CV_KE, CV_KE_X25519, 0},
           {CV_KE, CV_KE_ECP_256, 0},
           {CV_KE, CV_KE_ECP_384, 0},
           {CV_KE, CV_KE_ECP_521, 0},
           {CV_KE, CV_KE_MODP_2048, 0},
           {CV_KE, CV_KE_MODP_3072, 0},
           {CV_KE, CV_KE_MODP_4096, 0}}},
};

static const struct cv_proposal esp_defaults[] = {
    {.protocol = CV_PROTO_ESP,
     .n = 4,
     .t = {{CV_ENCR, CV_ENCR_AES_GCM_16, 128},
           {CV_ENCR, CV_ENCR_AES_GCM_16, 256},
           {CV_ENCR, CV_ENCR_CHACHA20_POLY1305, 0},
           {CV_ESN, CV_ESN_NO, 0}}},
    {.protocol = CV_PROTO_ESP,
     .n = 7,
     .t = {{CV_ENCR, CV_ENCR_AES_CBC, 128},
           {CV_ENCR, CV_ENCR_AES_CBC, 192},
           {CV_ENCR, CV_ENCR_AES_CBC, 256},
           {CV_INTEG, CV_INTEG_HMAC_SHA2_256_128, 0},
           {CV_INTEG, CV_INTEG_HMAC_SHA2_384_192, 0},
           {CV_INTEG, CV_INTEG_HMAC_SHA2_512_256, 0},
           {CV_ESN, CV_ESN_NO, 0}}},
};

static const struct cv_proposal ah_defaults[] = {
    {.protocol = CV_PROTO_AH,
     .n = 4,
     .t = {{CV_INTEG, CV_INTEG_HMAC_SHA2_256_128, 0},
           {CV_INTEG, CV_INTEG_HMAC_SHA2_384_192, 0},
           {CV_INTEG, CV_INTEG_HMAC_SHA2_512_256, 0},
           {CV_ESN, CV_ESN_NO, 0}}},
};

unsigned proposal_defaults(const struct cv_proposal **out, enum cv_protocol protocol)
{
    switch (protocol) {
    case CV_PROTO_IKE:
        *out = ike_defaults;
        return COUNT(ike_defaults);
    case CV_PROTO_AH:
        *out = ah_defaults;
        return COUNT(ah_defaults);
    default:
        *out = esp_defaults;
        return COUNT(esp_defaults);
    }
}

/* ---- sets of transforms ----------------------------------------------------- */

static bool has(const struct cv_proposal *p, uint8_t type)
{
    for (unsigned i = 0; i < p->n; i++)
        if (p->t[i].type == type)
            return true;
    return false;
}

/* How many ciphers are AEADs and how many are not. */
static void count_ciphers(const struct cv_proposal *p, unsigned *aead, unsigned *plain)
{
    *aead = *plain = 0;
    for (unsigned i = 0; i < p->n; i++)
        if (p->t[i].type == CV_ENCR)
            ++*(alg_is_aead(p->t[i].id) ? aead : plain);
}

static void drop(struct cv_proposal *p, uint8_t type)
{
    unsigned keep = 0;

    for (unsigned i = 0; i < p->n; i++)
        if (p->t[i].type != type)
            p->t[keep++] = p->t[i];
    p->n = (uint8_t)keep;
}

/* Appends a transform unless it is there already; false when there is no room. */
static bool add(struct cv_proposal *p, uint8_t type, uint16_t id, uint16_t key_len)
{
    for (unsigned i = 0; i < p->n; i++)
        if (p->t[i].type == type && p->t[i].id == id && p->t[i].key_len == key_len)
            return true;
    if (p->n == CV_TRANSFORMS_MAX)
        return false;
    p->t[p->n++] = (struct cv_transform){type, id, key_len};
    return true;
}

/* ---- what a valid proposal needs -------------------------------------------- */

static uint16_t prf_of_integ(uint16_t integ)
{
    switch (integ) {
    case CV_INTEG_HMAC_MD5_96:
        return CV_PRF_HMAC_MD5;
    case CV_INTEG_HMAC_SHA1_96:
        return CV_PRF_HMAC_SHA1;
    case CV_INTEG_AES_XCBC_96:
        return CV_PRF_AES128_XCBC;
    case CV_INTEG_AES_CMAC_96:
        return CV_PRF_AES128_CMAC;
    case CV_INTEG_HMAC_SHA2_384_192:
        return CV_PRF_HMAC_SHA2_384;
    case CV_INTEG_HMAC_SHA2_512_256:
        return CV_PRF_HMAC_SHA2_512;
    default:
        return CV_PRF_HMAC_SHA2_256;
    }
}

/* "aes128-sha256-modp2048" means PRF-HMAC-SHA-256, as people have always written it. */
static bool derive_prf(struct cv_proposal *p)
{
    unsigned n = p->n;

    for (unsigned i = 0; i < n; i++)
        if (p->t[i].type == CV_INTEG && !add(p, CV_PRF, prf_of_integ(p->t[i].id), 0))
            return false;
    return true;
}

/* AEADs bring their own integrity, other ciphers need one. */
static const char *settle_integrity(struct cv_proposal *p)
{
    unsigned aead, plain;

    count_ciphers(p, &aead, &plain);
    if (aead > 0 && plain > 0)
        return "AEAD ciphers (gcm, ccm, chacha20poly1305) and others do not go into one "
               "proposal; write two, separated by a comma";
    if (aead > 0)
        drop(p, CV_INTEG);
    else if (!has(p, CV_INTEG))
        return "needs an integrity algorithm, e.g. sha256";
    return NULL;
}

/* No encryption, or no IV in the packet (RFC 8750 section 8). */
static bool is_esp_only(uint16_t encr)
{
    switch (encr) {
    case CV_ENCR_NULL:
    case CV_ENCR_NULL_GMAC:
    case CV_ENCR_AES_CCM_8_IIV:
    case CV_ENCR_AES_GCM_16_IIV:
    case CV_ENCR_CHACHA20_POLY1305_IIV:
        return true;
    default:
        return false;
    }
}

static const char *check_ike(struct cv_proposal *p)
{
    const char *bad;

    if (!has(p, CV_ENCR))
        return "needs a cipher, e.g. aes128gcm16";
    if (!has(p, CV_PRF) && !derive_prf(p))
        return "has too many algorithms";
    bad = settle_integrity(p);
    if (bad != NULL)
        return bad;
    if (!has(p, CV_PRF))
        return "needs a pseudorandom function, e.g. prfsha256";
    if (!has(p, CV_KE))
        return "needs a key exchange method, e.g. x25519";
    for (unsigned i = 0; i < p->n; i++) {
        if (p->t[i].type == CV_KE && p->t[i].id == CV_KE_NONE)
            return "cannot go without key exchange: modpnone is for ESP";
        if (p->t[i].type == CV_ENCR && is_esp_only(p->t[i].id))
            return "has a cipher that is for ESP only: null, gmac or one with implicit IV";
    }
    drop(p, CV_ESN);
    return NULL;
}

static const char *check_esp(struct cv_proposal *p)
{
    const char *bad;

    drop(p, CV_PRF);
    if (!has(p, CV_ENCR))
        return "needs a cipher, e.g. aes128gcm16";
    bad = settle_integrity(p);
    if (bad != NULL)
        return bad;
    if (!has(p, CV_ESN) && !add(p, CV_ESN, CV_ESN_NO, 0))
        return "has too many algorithms";
    return NULL;
}

/* GMAC's word means ESP's transform, which is a cipher's; for AH it is an integrity algorithm
 * (RFC 4543 section 5), as charon understands it. */
static void gmac_for_ah(struct cv_transform *t)
{
    if (t->type != CV_ENCR || t->id != CV_ENCR_NULL_GMAC)
        return;
    t->type = CV_INTEG;
    t->id = t->key_len == 128   ? CV_INTEG_AES_128_GMAC
            : t->key_len == 192 ? CV_INTEG_AES_192_GMAC
                                : CV_INTEG_AES_256_GMAC;
    t->key_len = 0;
}

static const char *check_ah(struct cv_proposal *p)
{
    drop(p, CV_PRF);
    for (unsigned i = 0; i < p->n; i++)
        gmac_for_ah(&p->t[i]);
    if (has(p, CV_ENCR))
        return "cannot have a cipher: AH does not encrypt";
    if (!has(p, CV_INTEG))
        return "needs an integrity algorithm, e.g. sha256";
    if (!has(p, CV_ESN) && !add(p, CV_ESN, CV_ESN_NO, 0))
        return "has too many algorithms";
    return NULL;
}

/* ---- notation --------------------------------------------------------------- */

static bool parse_word(struct cv_proposal *p, const char *word, const char *text,
                       struct problem *why)
{
    const struct alg_word *alg = alg_find(word);
    struct suggest near = suggest_init(word);
    char hint[80];

    if (alg == NULL) {
        alg_suggest(&near);
        return problem_set(why, "unknown algorithm '%s' in proposal '%s'%s", word, text,
                           suggest_hint(&near, hint, sizeof(hint)));
    }
    if (alg->type == 0)
        return problem_set(why, "algorithm '%s' of strongSwan is not supported", word);
    if (!add(p, alg->type, alg->id, alg->key_len))
        return problem_set(why, "proposal '%s' has more than %d algorithms", text,
                           CV_TRANSFORMS_MAX);
    return true;
}

bool proposal_parse(struct cv_proposal *out, enum cv_protocol protocol, const char *text,
                    struct problem *why)
{
    const struct cv_proposal *defaults;
    struct cv_proposal p = {.protocol = (uint8_t)protocol};
    const char *bad, *at = text;

    if (strcasecmp(text, "default") == 0) {
        (void)proposal_defaults(&defaults, protocol);
        *out = defaults[0];
        return true;
    }
    for (;;) {
        size_t n = strcspn(at, "-");
        char word[40];

        snprintf(word, sizeof(word), "%.*s", (int)(n < sizeof(word) ? n : sizeof(word)), at);
        if (!parse_word(&p, word, text, why))
            return false;
        if (at[n] == '\0')
            break;
        at += n + 1;
    }
    bad = protocol == CV_PROTO_IKE  ? check_ike(&p)
          : protocol == CV_PROTO_AH ? check_ah(&p)
                                    : check_esp(&p);
    if (bad != NULL)
        return problem_set(why, "proposal '%s' %s", text, bad);
    *out = p;
    return true;
}

/* Is that no more than what goes without saying? */
static bool is_understood(const struct cv_proposal *p, const struct cv_transform *t)
{
    if (t->type != CV_ESN || t->id != CV_ESN_NO)
        return false;
    for (unsigned i = 0; i < p->n; i++)
        if (p->t[i].type == CV_ESN && p->t[i].id != CV_ESN_NO)
            return false;
    return true;
}

static void word_of(char *out, size_t n, const struct cv_transform *t)
{
    static const char *const types[] = {
        [CV_ENCR] = "encr", [CV_PRF] = "prf", [CV_INTEG] = "integ",
        [CV_KE] = "ke",     [CV_ESN] = "esn",
    };
    const struct alg_word *word = alg_of(t);

    if (word != NULL)
        snprintf(out, n, "%s", word->word);
    else if (t->type < COUNT(types) && types[t->type] != NULL && t->key_len > 0)
        snprintf(out, n, "(%s %u-%u)", types[t->type], t->id, t->key_len);
    else if (t->type < COUNT(types) && types[t->type] != NULL)
        snprintf(out, n, "(%s %u)", types[t->type], t->id);
    else
        snprintf(out, n, "(type %u %u)", t->type, t->id);
}

void proposal_words(char *out, size_t n, const struct cv_proposal *p)
{
    size_t used = 0;

    if (n > 0)
        out[0] = '\0';
    for (unsigned i = 0; i < p->n && used < n; i++) {
        char word[40];

        if (is_understood(p, &p->t[i]))
            continue;
        word_of(word, sizeof(word), &p->t[i]);
        used += (size_t)snprintf(out + used, n - used, "%s%s", used > 0 ? "-" : "", word);
    }
}

void proposal_format(char *out, size_t n, const struct cv_proposal *p)
{
    static const uint8_t order[] = {CV_ENCR, CV_INTEG, CV_PRF, CV_KE, CV_ESN};
    size_t used = 0;

    if (n > 0)
        out[0] = '\0';
    for (size_t o = 0; o < COUNT(order); o++) {
        for (unsigned i = 0; i < p->n && used < n; i++) {
            const struct cv_transform *t = &p->t[i];
            char bits[12] = "";

            if (t->type != order[o])
                continue;
            if (t->key_len > 0)
                snprintf(bits, sizeof(bits), "-%u", t->key_len);
            used += (size_t)snprintf(out + used, n - used, "%s%s%s", used > 0 ? "/" : "",
                                     alg_name(t), bits);
        }
    }
}

const char *proposal_next_weak(const struct cv_proposal *p, unsigned *at)
{
    while (*at < p->n) {
        const struct alg_word *word = alg_of(&p->t[(*at)++]);

        if (word != NULL && word->weak)
            return word->word;
    }
    return NULL;
}
