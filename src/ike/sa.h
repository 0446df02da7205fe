/* The tables of one engine's IKE side: IKE SAs, Child SAs (their cold half), the
 * scratch of exchanges in progress, and what finds them.
 *
 * An established IKE SA is a compact fixed struct.  What only an exchange needs (nonces,
 * private keys, copies of messages) lies in a handshake slot that goes back when the
 * exchange ends.  A Child SA and its data-plane pair (ipsec/ipsec.h) share one index.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef IKE_SA_H
#define IKE_SA_H

#include <culvert/engine.h>

#include "ike/frag.h"
#include "ike/keymat.h"
#include "peer/core.h"
#include "peer/peer.h"
#include "wire/ike.h"

enum { NONCE_LEN = 32, NONCE_MAX = 256, COOKIE_MAX = 64, CERTREQ_MAX = 400 };

/* Milliseconds that are ours to choose. */
enum {
    LINGER_MS = 10000,      /* a closed SA still repeats its last response */
    DRAIN_MS = 5000,        /* inbound of a replaced Child SA goes on after its delete */
    REPLACED_MS = 60000,    /* the peer had this long to delete what it replaced */
    RETRY_DOUBLINGS = 5,    /* of that, while the peer goes on refusing */
    RETRY_MIN_MS = 1000,    /* after TEMPORARY_FAILURE, plus as much jitter */
    RETRY_REKEY_MS = 10000, /* after any other refusal of a rekey */
    RESPONSE_MS = 180000    /* a cached response is kept this long */
};

enum ike_state {
    ST_FREE = 0,
    ST_I_INIT,    /* IKE_SA_INIT request sent */
    ST_I_SIGN,    /* waits for our credential */
    ST_I_AUTH,    /* IKE_AUTH request sent */
    ST_I_VERIFY,  /* waits for the verdict on the peer */
    ST_R_INIT,    /* IKE_SA_INIT answered */
    ST_R_VERIFY,  /* IKE_AUTH came; waits for the verdict on the peer */
    ST_R_SIGN,    /* waits for our credential */
    ST_R_ADDRESS, /* waits for a virtual address */
    ST_UP,
    ST_REKEYED,  /* replaced by another IKE SA; its delete is awaited or on its way */
    ST_DELETING, /* our delete is on its way */
    ST_LINGER,   /* closed; only repeats its last response */
    ST_DEAD      /* closed; goes away when the effects are drained */
};

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
    DO_LIVENESS
};

/* What is wanted of an IKE SA as soon as no request is outstanding; task.c orders it. */
enum ike_want {
    WANT_DELETE = 1,
    WANT_REKEY = 2,
    WANT_LIVENESS = 4,
    WANT_REAUTH = 8,
    WANT_ALERT = 16
};

struct ike_sa {
    struct peer peer;    /* first */
    uint8_t state;       /* ike_state */
    uint8_t doing;       /* ike_doing */
    uint8_t want;        /* bit set of ike_want */
    uint8_t refusals;    /* of our rekey in a row */
    bool fragments;      /* the peer takes RFC 7383 fragments, and so do we */
    bool peer_childless; /* the peer announced RFC 6023 */
    bool peer_alerts;    /* the peer takes tamper alerts */
    uint32_t tries;      /* retransmissions of the outstanding request */
    uint8_t spi_i[IKE_SPI_LEN], spi_r[IKE_SPI_LEN];
    struct cv_suite suite;
    struct ike_algs algs;
    struct ike_keys keys;
    uint32_t next_out, next_in; /* message IDs of our next request, of the peer's next */
    uint32_t req, resp;         /* sent messages kept for repetition, or POOL_NONE */
    uint32_t gather;            /* handshake slot that gathers fragments, or POOL_NONE */
    uint32_t hs;                /* handshake slot of our exchange, or POOL_NONE */
    uint32_t reauth_of;         /* number of the SA that this one replaces when up; 0 none */
    uint32_t init_tries;        /* rounds of IKE_SA_INIT: cookies and other groups answered */
    uint32_t key_tries;         /* keyingtries used */
    uint32_t target;            /* number of the Child SA whose delete is on its way */
    uint16_t ke_retry;          /* group the peer asked for when rekeying; 0: none */
    uint8_t alert_kind;         /* the alert that is wanted; see alert.c */
    uint32_t alert_spi, alert_count;
    uint64_t alert_ms;  /* not before this time */
    uint64_t resend_ms; /* when the outstanding request is sent again */
    uint64_t waits_ms;  /* handshake: since when the host or the peer has been awaited */
    uint64_t retry_ms;  /* tasks wait until then */
    uint64_t resp_ms;   /* when resp was first sent */
};

struct child_sa {
    struct peer_timer timer;
    uint32_t id;
    uint32_t ike; /* index of its IKE SA */
    uint32_t next, prev;
    uint8_t state; /* cv_child_state */
    uint8_t protocol, mode;
    uint8_t refusals; /* of its rekey in a row */
    bool want_delete, want_rekey;
    bool initiator; /* we sent the request that made it */
    bool installed; /* the data-plane pair exists */
    bool out_waits; /* responder of a rekey: outbound goes on with the old one */
    bool quiet;     /* goes without an event */
    bool redundant; /* lost a simultaneous rekey */
    bool doomed;    /* could not be installed here: only the peer has it, and must drop it */
    bool drains;    /* deleted; inbound goes on for DRAIN_MS */
    enum cv_err reason;
    const struct cv_conn *conn;
    const struct cv_child_config *cfg;
    uint32_t reqid;
    uint32_t spi_in, spi_out;
    struct cv_suite suite;
    uint32_t replaced_by; /* number of the Child SA that took over; 0 none */
    uint32_t rekeys;      /* CREATED: number of the one it will replace; 0 none */
    uint16_t ke_retry;    /* group the peer asked for; 0 none */
    uint64_t installed_ms, rekey_ms, hard_ms, retry_ms;
};

/* The scratch of one exchange: the initial ones of either role, our CREATE_CHILD_SA, or
 * the gathering of fragments. */
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
    struct cv_id local_id; /* what we send as ours */
    struct cv_id asked_id; /* initiator: IDr we ask for */
    struct ike_auth_keys auth;
    uint32_t init_ours, init_peer; /* messages: both IKE_SA_INIT, for AUTH */
    uint32_t peer_auth;            /* message: the peer's decrypted IKE_AUTH */
    uint8_t peer_auth_first;
    uint32_t octets; /* message: what is to be signed or was signed */
    struct cv_span certs[CV_CERTS_MAX];
    struct cv_lease lease;
    uint32_t question; /* what the host is asked just now, or 0; question.h */
    uint8_t question_kind;
    uint64_t question_due_ms;
    uint8_t auth_method; /* our own proof, until it is sent */
    uint32_t auth_data;  /* message: its data */
    uint32_t auth_certs; /* message: certificates, each with a 16-bit length */
    /* our CREATE_CHILD_SA */
    uint32_t child;     /* number of the Child SA being made */
    uint32_t child_old; /* of the one it replaces; 0 none */
    uint8_t new_spi[IKE_SPI_LEN];
    uint32_t rival;    /* number of the Child SA that the peer's simultaneous rekey made */
    uint32_t rival_sa; /* number of such an IKE SA; 0: none */
    uint8_t rival_nonce[NONCE_MAX]; /* the lower nonce of that exchange */
    uint16_t rival_nonce_len;
    uint32_t gone_spi; /* the peer deleted it before we saw the answer that made it; 0 none */
    /* fragments */
    struct frag frag;
    uint32_t frag_buf;
    bool frag_response;
    uint64_t frag_ms; /* when the first one came */
};

struct ike {
    struct core core;
    struct pool hs;
    uint32_t sas_promised; /* slots of sas for the successors of our rekeys under way */
    struct htab by_spi;    /* our SPI -> IKE SA */
    struct htab questions; /* number of a question that waits -> IKE SA */
    uint32_t last_question;
};

/* ---- memory */
/* Carves all tables; with a counting arena k may be anything. */
void ike_carve(struct ike *k, struct arena *a, const struct cv_limits *lim);
void ike_close_all(struct ike *k);

/* The number of slot i, which has just been taken: never 0, and another one each time
 * until the slot's count gen[i] starts again. */
uint32_t pool_number(const struct pool *p, uint32_t *gen, uint32_t i);

/* How long after the n-th refusal in a row, with jitter (RFC 7296 section 2.25). */
uint64_t retry_pause(const struct ike *k, enum cv_err refused, uint8_t *n);

/* ---- chance */
CV_MUST_USE bool ike_random(const struct ike *k, void *out, size_t n);
uint64_t ike_random_below(const struct ike *k, uint64_t n); /* 0 for n 0 */

/* ---- IKE SAs */
static inline struct ike_sa *sa_at(const struct ike *k, uint32_t i)
{
    return pool_at(&k->core.sas, i);
}
uint32_t sa_index(const struct ike *k, const struct ike_sa *sa);
struct ike_sa *sa_by_number(const struct ike *k, uint32_t id); /* NULL: no such SA */
/* A new SA with an own SPI, found by it; NULL when full. */
struct ike_sa *sa_new(struct ike *k, const struct cv_conn *conn, bool initiator);
const uint8_t *sa_own_spi(const struct ike_sa *sa);
const struct sk_keys *sa_keys_out(const struct ike_sa *sa);
const struct sk_keys *sa_keys_in(const struct ike_sa *sa);
struct ike_sa *sa_find(const struct ike *k, const struct ike_hdr *h);
struct ike_hs *sa_hs(const struct ike *k, const struct ike_sa *sa); /* NULL when none */
CV_MUST_USE enum cv_err sa_take_hs(struct ike *k, struct ike_sa *sa);
void hs_give(struct ike *k, uint32_t *slot);
/* Keeps the CA key hashes that m asks for, as many whole ones as there is room for. */
void hs_note_certreqs(struct ike_hs *hs, const struct ike_msg *m);
void sa_local_id(const struct ike_sa *sa, struct cv_id *out);
/* The successor of a rekey that has not inherited, or never will: the host has not been
 * told of it. */
static inline bool sa_is_secret(const struct ike_sa *sa)
{
    return sa->state == ST_UP && sa->peer.quiet;
}
/* Is a slot free that no rekey of ours waits for? */
bool sa_has_room(const struct ike *k);

/* Half-open accounting (responder): from IKE_SA_INIT until the peer is authenticated, or what
 * was refused has stopped lingering.  The port is not part of it, as it may change with
 * IKE_AUTH (RFC 7296 section 2.23). */
struct ike_sa *half_open_find(const struct ike *k, const uint8_t spi_i[IKE_SPI_LEN],
                              const struct cv_addr *from); /* NULL: none */
unsigned half_open_from(const struct ike *k, const struct cv_addr *from);
CV_MUST_USE bool sa_set_half_open(struct ike *k, struct ike_sa *sa);
void sa_clear_half_open(struct ike *k, struct ike_sa *sa);
/* The peer's endpoint changes; false when another SA is counted there already. */
CV_MUST_USE bool sa_move_half_open(struct ike *k, struct ike_sa *sa,
                                   const struct cv_endpoint *to);

/* The remote identity's list. */
void sa_link_id(struct ike *k, struct ike_sa *sa);
void sa_unlink_id(struct ike *k, struct ike_sa *sa);
struct ike_sa *sa_first_with_id(const struct ike *k, const struct cv_id *id);

/* A fresh own SPI, not in use; the SA that takes it is named by sa_new_with. */
CV_MUST_USE bool sa_fresh_spi(const struct ike *k, uint8_t spi[IKE_SPI_LEN]);
struct ike_sa *sa_new_with(struct ike *k, const struct cv_conn *conn, bool initiator,
                           const uint8_t spi[IKE_SPI_LEN]);

/* Ends an SA and its Child SAs.  linger: repeat the last response for a while. */
void sa_close(struct ike *k, struct ike_sa *sa, enum cv_err reason, bool linger);
/* Frees what has been announced. */
void sa_reap(struct ike *k, struct ike_sa *sa);

/* ---- Child SAs */
static inline struct child_sa *child_at(const struct ike *k, uint32_t i)
{
    return pool_at(&k->core.children, i);
}
uint32_t child_index(const struct ike *k, const struct child_sa *c);
struct child_sa *child_by_number(const struct ike *k, uint32_t id);
/* The same, but neither one that has ended nor one that only drains. */
struct child_sa *child_live(const struct ike *k, uint32_t id);
/* A Child SA in state CREATED with a fresh SPI, linked to sa; NULL when full. */
struct child_sa *child_new(struct ike *k, struct ike_sa *sa, const struct cv_conn *conn,
                           const struct cv_child_config *cfg);
struct child_sa *child_by_spi_out(const struct ike *k, const struct ike_sa *sa,
                                  uint8_t protocol, uint32_t spi_out);
void child_move(struct ike *k, struct child_sa *c, struct ike_sa *to);
void sa_move_children(struct ike *k, struct ike_sa *from, struct ike_sa *to);
/* Ends it; the event comes when the effects are drained. */
void child_close(struct ike *k, struct child_sa *c, enum cv_err reason);
/* Deleted on the wire: a replaced one drains, any other ends. */
void child_deleted(struct ike *k, struct child_sa *c, enum cv_err reason);
/* It exists at the peer alone: never to be used, to be deleted there. */
void child_doom(struct ike *k, struct child_sa *c, enum cv_err reason);
void child_reap(struct ike *k, struct child_sa *c);
CV_MUST_USE enum cv_err child_new_spi(const struct ike *k, uint32_t *spi);

#endif
