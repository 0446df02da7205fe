/* Owns the choice among proposals and what is written of them.
 *
 * Invariant: a chosen suite has for every transform type a transform that both sides listed,
 * where a type that one side left out stands for "none" (KE, INTEG), or on our side "no" (ESN),
 * which all have ID 0; a peer has to say ESN.  RFC 7296 sections 2.7 and 3.3; RFC 5282
 * section 8.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "ident/proposal.h"

#include "crypto/crypto.h"

enum { NOT_FOUND = -1 };

/* What both sides must agree on. */
struct match {
    const struct cv_proposal *ours;
    const struct offered *offer;
    const struct offered_proposal *theirs; /* of offer */
    bool want_ke;
    uint16_t ke_hint;
};

/* Bit set of the transform types that a protocol has, RFC 7296 section 3.3.3. */
static unsigned types_of(uint8_t protocol)
{
    switch (protocol) {
    case CV_PROTO_IKE:
        return 1U << CV_ENCR | 1U << CV_PRF | 1U << CV_INTEG | 1U << CV_KE;
    case CV_PROTO_ESP:
        return 1U << CV_ENCR | 1U << CV_INTEG | 1U << CV_KE | 1U << CV_ESN;
    case CV_PROTO_AH:
        return 1U << CV_INTEG | 1U << CV_KE | 1U << CV_ESN;
    default:
        return 0;
    }
}

/* ---- reading ---- */

static bool has_transform(const struct offered *o, const struct offered_proposal *p,
                          const struct cv_transform *want)
{
    for (unsigned i = 0; i < p->n; i++) {
        const struct cv_transform *t = &o->t[p->from + i];

        if (t->type == want->type && t->id == want->id && t->key_len == want->key_len)
            return true;
    }
    return false;
}

/* RFC 7296 section 3.3.6: a proposal with a transform type that we do not understand, or that
 * the protocol does not have, is not acceptable as a whole. */
static void read_transforms(struct offered *o, struct offered_proposal *p,
                            const struct cv_crypto *crypto, struct cv_span transforms)
{
    const unsigned types = types_of(p->protocol);
    struct rd r = rd_init(transforms);
    struct cv_transform t;
    bool unknown;

    while (!p->foreign && ike_next_transform(&r, &t, &unknown)) {
        p->foreign = t.type > CV_ESN || (types >> t.type & 1) == 0;
        if (p->foreign)
            return;
        p->types |= (uint8_t)(1U << t.type);
        if (unknown || (crypto != NULL && !crypto_has(crypto, &t)) ||
            o->n_transforms == OFFERED_TRANSFORMS || has_transform(o, p, &t))
            continue;
        o->t[o->n_transforms++] = t;
        p->n++;
    }
}

void proposal_read(struct offered *out, const struct cv_crypto *crypto, struct cv_span sa)
{
    struct rd r = rd_init(sa);
    struct ike_proposal theirs;

    out->n = out->n_transforms = 0;
    while (out->n < OFFERED_PROPOSALS && ike_next_proposal(&r, &theirs)) {
        struct offered_proposal *p = &out->p[out->n++];

        *p = (struct offered_proposal){.number = theirs.number,
                                       .protocol = theirs.protocol,
                                       .from = (uint16_t)out->n_transforms,
                                       .spi = theirs.spi};
        read_transforms(out, p, crypto, theirs.transforms);
    }
}

/* ---- choosing ---- */

/* Did they list exactly this transform?  ID 0 is also listed by silence about its type. */
static bool they_list(const struct match *m, const struct cv_transform *want)
{
    const bool silent = (m->theirs->types >> want->type & 1) == 0;

    return silent ? want->id == 0 : has_transform(m->offer, m->theirs, want);
}

/* The first ID of ours that they list too; 0 stands for a type we are silent about. */
static int first_common(const struct match *m, uint8_t type, uint16_t hint)
{
    const struct cv_transform none = {.type = type};
    int first = NOT_FOUND;
    bool silent = true;

    for (unsigned i = 0; i < m->ours->n; i++) {
        const struct cv_transform *t = &m->ours->t[i];

        if (t->type != type)
            continue;
        silent = false;
        if ((first != NOT_FOUND && t->id != hint) || !they_list(m, t))
            continue;
        first = t->id;
        if (hint == 0 || t->id == hint)
            return first;
    }
    return silent && they_list(m, &none) ? 0 : first;
}

/* Encryption and what must go with it.  RFC 7296 section 3.3: combined-mode ciphers "MUST
 * either offer no integrity algorithm or a single integrity algorithm of NONE"; one without
 * integrity protection is never acceptable to us. */
static bool agree_on_encr(const struct match *m, struct cv_suite *suite)
{
    static const struct cv_transform no_integ = {.type = CV_INTEG};
    int integ = first_common(m, CV_INTEG, 0);

    for (unsigned i = 0; i < m->ours->n; i++) {
        const struct cv_transform *t = &m->ours->t[i];
        bool aead = crypto_is_aead(t->id);

        if (t->type != CV_ENCR || t->id == 0 || !they_list(m, t))
            continue;
        if (aead ? !they_list(m, &no_integ) : integ <= 0)
            continue;
        suite->encr = t->id;
        suite->encr_bits = t->key_len;
        suite->integ = aead ? 0 : (uint16_t)integ;
        return true;
    }
    return false;
}

static bool agree_on_integ(const struct match *m, struct cv_suite *suite)
{
    int integ = first_common(m, CV_INTEG, 0);

    suite->integ = (uint16_t)integ;
    return integ > 0;
}

static bool agree(const struct match *m, struct cv_suite *suite)
{
    unsigned types = types_of(m->ours->protocol);
    int prf = 0, ke = 0, esn = 0;

    *suite = (struct cv_suite){0};
    if (m->ours->protocol != m->theirs->protocol || m->theirs->foreign)
        return false;
    /* RFC 7296 section 3.3.3: mandatory for ESP and AH */
    if ((types >> CV_ESN & 1) != 0 && (m->theirs->types >> CV_ESN & 1) == 0)
        return false;
    if ((types >> CV_ENCR & 1) != 0 ? !agree_on_encr(m, suite) : !agree_on_integ(m, suite))
        return false;
    if ((types >> CV_PRF & 1) != 0 && (prf = first_common(m, CV_PRF, 0)) <= 0)
        return false;
    if (m->want_ke && (ke = first_common(m, CV_KE, m->ke_hint)) == NOT_FOUND)
        return false;
    if ((types >> CV_ESN & 1) != 0 && (esn = first_common(m, CV_ESN, 0)) == NOT_FOUND)
        return false;
    suite->prf = (uint16_t)prf;
    suite->ke = (uint16_t)ke;
    suite->esn = (uint16_t)esn;
    return true;
}

static void choice_set(struct proposal_choice *out, const struct offered_proposal *theirs,
                       const struct cv_suite *suite)
{
    *out = (struct proposal_choice){theirs->number, theirs->protocol, theirs->spi, *suite};
}

enum cv_err proposal_choose(struct proposal_choice *out, const struct offered *theirs,
                            const struct cv_proposal *ours, unsigned n_ours, bool want_ke,
                            uint16_t ke_hint)
{
    struct cv_suite suite;

    for (unsigned i = 0; i < n_ours; i++) {
        for (unsigned j = 0; j < theirs->n; j++) {
            const struct match m = {&ours[i], theirs, &theirs->p[j], want_ke, ke_hint};

            if (agree(&m, &suite)) {
                choice_set(out, m.theirs, &suite);
                return CV_OK;
            }
        }
    }
    return CV_ERR_NO_PROPOSAL;
}

enum cv_err proposal_select(struct proposal_choice *out, const struct cv_crypto *crypto,
                            const struct cv_proposal *ours, unsigned n_ours, struct cv_span sa,
                            bool want_ke, uint16_t ke_hint)
{
    struct offered theirs;

    proposal_read(&theirs, crypto, sa);
    return proposal_choose(out, &theirs, ours, n_ours, want_ke, ke_hint);
}

/* RFC 7296 section 2.7: an answer has one transform of each type. */
static bool has_one_of_each(const struct ike_proposal *p)
{
    struct rd r = rd_init(p->transforms);
    struct cv_transform t;
    unsigned seen = 0;
    bool unknown;

    while (ike_next_transform(&r, &t, &unknown)) {
        if (t.type > CV_ESN || unknown || (seen >> t.type & 1) != 0)
            return false;
        seen |= 1U << t.type;
    }
    return true;
}

enum cv_err proposal_check_answer(struct proposal_choice *out, const struct cv_proposal *ours,
                                  unsigned n_ours, struct cv_span sa, bool want_ke)
{
    static const struct cv_transform no_ke = {.type = CV_KE};
    struct rd r = rd_init(sa);
    struct ike_proposal answer, more;
    struct offered theirs;
    struct match m = {.offer = &theirs, .theirs = theirs.p, .want_ke = want_ke};
    struct cv_suite suite;

    if (!ike_next_proposal(&r, &answer) || ike_next_proposal(&r, &more) ||
        !has_one_of_each(&answer))
        return CV_ERR_SYNTAX;
    /* RFC 7296 section 3.3.1: the number "MUST match the number on the proposal sent". */
    if (answer.number == 0 || answer.number > n_ours)
        return CV_ERR_NO_PROPOSAL;
    m.ours = &ours[answer.number - 1];
    proposal_read(&theirs, NULL, sa); /* the caller has all that it offered */
    if (!agree(&m, &suite) || (!want_ke && !they_list(&m, &no_ke)))
        return CV_ERR_NO_PROPOSAL;
    choice_set(out, m.theirs, &suite);
    return CV_OK;
}

void proposal_from_suite(struct cv_proposal *out, uint8_t protocol,
                         const struct cv_suite *suite, bool with_ke)
{
    const struct cv_transform all[] = {
        {CV_ENCR,  suite->encr,                      suite->encr_bits},
        {CV_INTEG, suite->integ,                     0               },
        {CV_PRF,   suite->prf,                       0               },
        {CV_KE,    with_ke ? suite->ke : CV_KE_NONE, 0               },
        {CV_ESN,   suite->esn,                       0               },
    };
    unsigned types = types_of(protocol);

    *out = (struct cv_proposal){.protocol = protocol};
    for (unsigned i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        /* Of "none" nothing is said; whether sequence numbers are extended always is. */
        if ((types >> all[i].type & 1) != 0 && (all[i].id != 0 || all[i].type == CV_ESN))
            out->t[out->n++] = all[i];
    }
}

void proposal_without_ke(struct cv_proposal *out, const struct cv_proposal *p)
{
    *out = (struct cv_proposal){.protocol = p->protocol};
    for (unsigned i = 0; i < p->n; i++) {
        if (p->t[i].type != CV_KE)
            out->t[out->n++] = p->t[i];
    }
}

uint16_t proposal_first_ke(const struct cv_proposal *p, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        for (unsigned j = 0; j < p[i].n; j++) {
            if (p[i].t[j].type == CV_KE)
                return p[i].t[j].id;
        }
    }
    return CV_KE_NONE;
}

bool proposal_has_ke(const struct cv_proposal *p, unsigned n, uint16_t ke)
{
    for (unsigned i = 0; i < n; i++) {
        for (unsigned j = 0; j < p[i].n; j++) {
            if (p[i].t[j].type == CV_KE && p[i].t[j].id == ke)
                return true;
        }
    }
    return false;
}

void proposal_put_sa_body(struct wr *w, const struct cv_proposal *p, unsigned n,
                          struct cv_span spi, bool with_ke)
{
    struct cv_proposal bare;

    for (unsigned i = 0; i < n; i++) {
        if (!with_ke)
            proposal_without_ke(&bare, &p[i]);
        ike_put_proposal(w, with_ke ? &p[i] : &bare, (uint8_t)(i + 1), spi, i + 1 == n);
    }
}

void proposal_put_answer(struct wr *w, const struct proposal_choice *c, struct cv_span our_spi,
                         bool with_ke)
{
    struct cv_proposal p;

    proposal_from_suite(&p, c->protocol, &c->suite, with_ke);
    ike_put_proposal(w, &p, c->number, our_spi, true);
}
