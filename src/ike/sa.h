/* An IKE SA of IKEv2 and the scratch of exchanges in progress.
 *
 * An established IKE SA is a compact fixed struct.  What only an exchange needs (nonces,
 * private keys, copies of messages) lies in a handshake slot that goes back when the
 * exchange ends.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef IKE_SA_H
#define IKE_SA_H

#include <culvert/engine.h>

#include "ike/frag.h"
#include "ike/keymat.h"
#include "peer/child_sa.h"
#include "peer/half_open.h"
#include "peer/peer.h"
#include "wire/ike.h"

enum { NONCE_LEN = 32, NONCE_MAX = 256, COOKIE_MAX = 64, CERTREQ_MAX = 400 };

/* Milliseconds that are ours to choose. */
enum {
    LINGER_MS = 10000,      /* a closed SA still repeats its last response */
    REPLACED_MS = 60000,    /* the peer had this long to delete what it replaced */
    RETRY_DOUBLINGS = 5,    /* of that, while the peer goes on refusing */
    RETRY_MIN_MS = 1000,    /* after TEMPORARY_FAILURE, plus as much jitter */
    RETRY_REKEY_MS = 10000, /* after any other refusal of a rekey */
    REFUSED_MS = 3000, /* a refusal of IKE_SA_INIT, which anybody may forge, waits for better */
    ROAM_MS = 250, /* who moves repeats itself after this, doubled each time, so many times: */
    ROAM_TRIES = 3,
    RESPONSE_MS = 180000 /* a cached response is kept this long */
};

/* The states of an IKE SA, with what docs/state-machine.md says of each. */
/* clang-format off */
#define IKE_STATES(X)                                                                          \
    X(ST_FREE,      "no SA")                                                                   \
    X(ST_I_INIT,    "IKE_SA_INIT request sent")                                                \
    X(ST_I_SIGN,    "waits for our credential")                                                \
    X(ST_I_AUTH,    "IKE_AUTH request sent")                                                   \
    X(ST_I_VERIFY,  "waits for the verdict on the peer")                                       \
    X(ST_R_INIT,    "IKE_SA_INIT answered")                                                    \
    X(ST_R_VERIFY,  "IKE_AUTH came; waits for the verdict on the peer")                        \
    X(ST_R_ADDRESS, "waits to be let in, or for an address")                                     \
    X(ST_R_SIGN,    "waits for our credential")                                                \
    X(ST_UP,        "established")                                                             \
    X(ST_REKEYED,   "replaced by another IKE SA; its delete is awaited or on its way")         \
    X(ST_DELETING,  "our delete is on its way")                                                \
    X(ST_LINGER,    "closed; only repeats its last response")                                  \
    X(ST_DEAD,      "closed; goes away when the effects are drained")
/* clang-format on */

#define IKE_STATE(id, text) id,
enum ike_state { IKE_STATES(IKE_STATE) };
#undef IKE_STATE

/* Our one outstanding request. */
enum ike_doing {
    DO_NOTHING = 0,
    DO_INIT,
    DO_AUTH,
    DO_CREATE_CHILD,
    DO_REKEY_CHILD,
    DO_REKEY_IKE,
    DO_DELETE_IKE,
    DO_DELETE_CHILD,
    DO_LIVENESS,
    DO_ALERT,
    DO_MOVE,  /* RFC 4555: our addresses are others */
    DO_TELL,  /* we have others besides */
    DO_PROVE, /* is the peer where it says? */
    DO_REDIRECT
};

/* What is wanted of an IKE SA as soon as no request is outstanding; task.c orders it. */
enum ike_want {
    WANT_DELETE = 1,
    WANT_REKEY = 2,
    WANT_LIVENESS = 4,
    WANT_REAUTH = 8,
    WANT_ALERT = 16,
    WANT_MOVE = 32,
    WANT_TELL = 64,
    WANT_PROVE = 128,
    WANT_REDIRECT = 256
};

struct ike_sa {
    struct peer peer;    /* first */
    uint8_t state;       /* ike_state */
    uint8_t doing;       /* ike_doing */
    uint16_t want;       /* bit set of ike_want */
    uint8_t refusals;    /* of our rekey in a row */
    bool has_keys;       /* suite and keys are agreed */
    bool fragments;      /* the peer takes RFC 7383 fragments, and so do we */
    bool peer_childless; /* the peer announced RFC 6023 */
    bool peer_alerts;    /* the peer takes tamper alerts */
    bool mobike;         /* both sides speak RFC 4555 */
    uint8_t told;        /* which of our lists of addresses the peer knows; mobike.c */
    uint8_t init_tries;  /* rounds of IKE_SA_INIT: cookies and other groups answered */
    uint8_t alert_kind;  /* the alert that is wanted; see alert.c */
    uint8_t redirects;   /* how often in a row we were sent to another gateway */
    uint16_t ke_retry;   /* group the peer asked for when rekeying; 0: none */
    uint16_t tries;      /* retransmissions of the outstanding request */
    struct cv_suite suite;
    struct ike_keys keys;
    uint16_t mapping;           /* how the peer sees us, in its own words; 0: it has not said */
    uint32_t next_out, next_in; /* message IDs of our next request, of the peer's next */
    uint32_t req, resp;         /* sent messages kept for repetition, or POOL_NONE */
    uint32_t gather;            /* slot that gathers fragments, or POOL_NONE; gather.h */
    uint32_t roam;              /* slot of what moving takes, or POOL_NONE; roam.h */
    uint32_t hs;                /* handshake slot of our exchange, or POOL_NONE */
    uint32_t reauth_of;         /* number of the SA that this one replaces when up; 0 none */
    uint32_t reauth_by;         /* number of the SA that shall replace this one; 0 none */
    uint32_t target;            /* number of the Child SA whose delete is on its way */
    uint32_t alert_spi, alert_count;
    uint64_t alert_ms;  /* not before this time */
    uint64_t resend_ms; /* when the outstanding request is sent again */
    uint64_t waits_ms;  /* handshake: since when the host or the peer has been awaited */
    uint64_t made_ms;   /* when it was begun: of two with one peer the younger counts */
    uint64_t retry_ms;  /* tasks wait until then */
    uint64_t resp_ms;   /* when resp was first sent */
};

/* What a message says about the Child SA that it asks for or agrees to.  The spans point into
 * the message. */
struct child_terms {
    bool any;       /* there is an SA payload */
    bool whole;     /* SA, TSi and TSr */
    bool with_ke;   /* a key exchange is part of it */
    bool transport; /* transport mode is asked for or agreed */
    bool no_padding;
    uint16_t ke_group;
    uint16_t refusal; /* error notify in its place; 0 none */
    struct cv_span sa, tsi, tsr;
    const struct cv_lease *granted; /* our addresses that came with it; NULL: as the IKE SA's */
};

/* Addresses that one side has besides the one in use. */
struct addr_list {
    uint8_t n;
    struct cv_addr a[CV_ADDRS_MAX];
};

/* What the peer's IKE_AUTH says and the host is asked about, or that waits until the peer is
 * authentic.  The spans point into the message that ike_hs keeps as peer_auth. */
struct auth_words {
    struct cv_span id_body, auth;
    struct cv_span asked_id; /* body of the IDr that an initiator asks for */
    uint8_t method;          /* cv_auth_method */
    bool initial_contact, takes_alerts, mobike;
    struct addr_list others; /* with mobike */
    bool redirects;
    struct cv_id gateway; /* to this one */
    bool has_cp;
    enum cv_err cp_err; /* of its configuration payload */
    struct ike_cp cp;
    unsigned n_certs;
    struct cv_span certs[CV_CERTS_MAX];
    unsigned n_words;
    struct cv_cert_word words[CV_CERT_WORDS_MAX];
    struct child_terms child;
};

/* The scratch of one exchange: the initial ones of either role, or our CREATE_CHILD_SA. */
struct ike_hs {
    uint8_t ni[NONCE_MAX], nr[NONCE_MAX];
    uint16_t ni_len, nr_len;
    const struct cv_ke *ke;
    void *ke_key;
    uint8_t ke_pub[CV_KE_PUB_MAX];
    uint8_t cookie[COOKIE_MAX];
    uint8_t cookie_len;
    uint16_t peer_hashes; /* RFC 7427: bit set */
    uint8_t certreq[CERTREQ_MAX];
    uint16_t certreq_len;
    bool wants_ocsp, takes_urls; /* the peer */
    uint64_t refused_ms;         /* IKE_SA_INIT was answered amiss, then; 0: not */
    enum cv_err refusal;         /* in what way */
    struct cv_id local_id;       /* what we send as ours */
    struct cv_id asked_id;       /* initiator: IDr we ask for */
    struct ike_auth_keys auth;
    struct cv_addr redirected_from; /* the gateway that sent us here; family 0: none did */
    uint8_t repeats;                /* of the peer's IKE_SA_INIT that were answered */
    uint32_t init_ours, init_peer;  /* messages: both IKE_SA_INIT, for AUTH */
    uint32_t peer_auth;             /* message: the peer's decrypted IKE_AUTH */
    struct auth_words words;        /* what it says */
    struct cv_lease lease;
    uint32_t told;       /* message: the attributes that go with it, or POOL_NONE */
    enum cv_err address; /* why there is none although the peer asked for one */
    uint32_t question;   /* what the host is asked just now, or 0; question.h */
    uint8_t question_kind;
    uint64_t question_due_ms;
    /* our CREATE_CHILD_SA */
    uint32_t child;     /* number of the Child SA being made */
    uint32_t child_old; /* of the one it replaces; 0 none */
    uint8_t new_spi[IKE_SPI_LEN];
    uint32_t rival;    /* number of the Child SA that the peer's simultaneous rekey made */
    uint32_t rival_sa; /* number of such an IKE SA; 0: none */
    uint8_t rival_nonce[NONCE_MAX]; /* the lower nonce of that exchange */
    uint16_t rival_nonce_len;
    uint32_t gone_spi; /* the peer deleted it before we saw the answer that made it; 0 none */
};

/* Fragments of one message on their way in. */
struct gather {
    struct frag frag;
    uint32_t sa;      /* whose it is */
    uint32_t buf;     /* message: their octets */
    bool response;    /* the message is one */
    uint64_t from_ms; /* when the first one came */
};

/* Where a datagram came in. */
struct ike_path {
    struct cv_endpoint local, remote;
    uint8_t carrier;
};

struct ike {
    struct core core;
    struct pool hs, gathers, roams;
    struct chain gathering; /* slots of gathers in use, in the order in which they began */
    struct addr_list own;   /* the host's addresses, of which peers with MOBIKE hear */
    uint8_t own_at;         /* changes when they do */
};

/* ---- memory */
/* Carves all tables; with a counting arena k may be anything. */
void ike_carve(struct ike *k, struct arena *a, const struct cv_limits *lim);
void ike_close_all(struct ike *k);

/* Something about sa has changed: task.c starts what is wanted next and sets its timer before
 * the engine is left. */
static inline void sa_touch(struct ike *k, struct ike_sa *sa)
{
    peer_touch(&k->core, &sa->peer);
}

/* How long after the n-th refusal in a row, with jitter (RFC 7296 section 2.25). */
uint64_t retry_pause(const struct ike *k, enum cv_err refused, uint8_t *n);

/* ---- IKE SAs */
/* Each in two forms: handlers get what they cannot write, the other is for commits. */
static inline const struct ike_sa *sa_at(const struct ike *k, uint32_t i)
{
    return pool_at(&k->core.sas, i);
}
static inline struct ike_sa *sa_at_mut(struct ike *k, uint32_t i)
{
    return pool_at(&k->core.sas, i);
}
/* The SA that p is the head of; NULL for NULL. */
static inline struct ike_sa *sa_of(struct peer *p)
{
    return (struct ike_sa *)p;
}
static inline const struct ike_sa *sa_of_const(const struct peer *p)
{
    return (const struct ike_sa *)p;
}
const struct ike_sa *sa_by_number(const struct ike *k, uint32_t id); /* NULL: no such SA */
struct ike_sa *sa_by_number_mut(struct ike *k, uint32_t id);
/* A new SA with an own SPI, found by it; NULL when full. */
struct ike_sa *sa_new(struct ike *k, const struct cv_conn *conn, bool initiator);
/* What an SA that has keys speaks with.  It keeps numbers alone, no pointer into the backend.
 */
struct ike_algs sa_algs(const struct ike *k, const struct ike_sa *sa);
const struct cv_prf *sa_prf(const struct ike *k, const struct ike_sa *sa);
const struct sk_keys *sa_keys_out(const struct ike_sa *sa);
const struct sk_keys *sa_keys_in(const struct ike_sa *sa);
struct ike_sa *sa_find(struct ike *k, const struct ike_hdr *h);
/* The scratch of its exchange, or NULL; the second for those that commit. */
const struct ike_hs *sa_hs(const struct ike *k, const struct ike_sa *sa);
struct ike_hs *sa_hs_mut(struct ike *k, const struct ike_sa *sa);
CV_MUST_USE enum cv_err sa_take_hs(struct ike *k, struct ike_sa *sa);
void hs_give(struct ike *k, uint32_t *slot);
/* Keeps the CA key hashes that m asks for, as many whole ones as there is room for. */
void hs_note_certreqs(struct ike_hs *hs, const struct ike_msg *m);
/* The successor of a rekey that has not inherited, or never will: the host has not been
 * told of it. */
static inline bool sa_is_secret(const struct ike_sa *sa)
{
    return sa->state == ST_UP && sa->peer.quiet;
}
/* The same with an SPI from peer_fresh_spi, in a slot that a rekey was promised. */
struct ike_sa *sa_new_with(struct ike *k, const struct cv_conn *conn, bool initiator,
                           const uint8_t spi[IKE_SPI_LEN]);

const struct ike_sa *sa_first_with_id(const struct ike *k, const struct cv_id *id);
struct ike_sa *sa_first_with_id_mut(struct ike *k, const struct cv_id *id); /* NULL: none */

/* SA is authenticated: lifetimes start, waiting tasks run. */
void sa_established(struct ike *k, struct ike_sa *sa);
/* New endpoints for an SA and all its Child SAs, and for the SA that it has replaced. */
void sa_set_path(struct ike *k, struct ike_sa *sa, const struct ike_path *path);

/* Ends an SA and its Child SAs.  linger: repeat the last response for a while. */
void sa_close(struct ike *k, struct ike_sa *sa, enum cv_err reason, bool linger);
/* Gives a closed one's slot back. */
void sa_free(struct ike *k, struct ike_sa *sa);
/* Frees all that has ended and been announced. */
void ike_reap(struct ike *k);

#endif
