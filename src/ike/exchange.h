/* The exchanges of IKEv2 as pure handlers and one commit.
 *
 * A handler sees a const SA and one authentic message.  It writes the answer into an
 * ike_out and describes what shall change in an ike_change; ike_commit alone writes.
 * A message that fails half-way leaves no trace.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef IKE_EXCHANGE_H
#define IKE_EXCHANGE_H

#include "ident/proposal.h"
#include "ident/ts.h"
#include "ike/natd.h"
#include "ike/sa.h"
#include "peer/conn.h"
#include "peer/event.h"
#include "peer/limit.h"

/* The plaintext of a message being written, in the engine's scratch. */
struct ike_out {
    struct wr w;
    struct ike_chain chain;
};

/* A Child SA agreed on, ready to be installed. */
struct child_plan {
    const struct cv_child_config *cfg;
    struct cv_suite suite;
    uint8_t protocol, mode;
    bool initiator;
    bool no_padding; /* the peer takes no flow padding (RFC 7296 section 1.3.1) */
    bool rekey;      /* an older Child SA goes on sending until this one has proven itself */
    uint32_t spi_in, spi_out;
    uint32_t created;  /* number of our CREATED Child SA; 0: take a new one */
    uint32_t replaces; /* number of the Child SA it takes over from; 0 none */
    uint32_t reqid;
    uint32_t taken_by;   /* number of somebody else's Child SA, with CV_ERR_TS_TAKEN */
    uint32_t made;       /* number of the Child SA, once it is installed; 0: not yet */
    bool unanswered;     /* the peer has not heard of it: it may still be refused */
    enum cv_err refused; /* why it could not be installed */
    struct cv_ts_list local_ts, remote_ts;
    size_t key_len; /* octets per direction */
    uint8_t
        keymat[2 * (CV_CIPHER_KEY_MAX + CV_INTEG_KEY_MAX)]; /* initiator's direction first */
};

/* A new IKE SA that replaces the one it was negotiated in. */
struct ike_plan {
    bool initiator;
    uint8_t spi_i[IKE_SPI_LEN], spi_r[IKE_SPI_LEN];
    struct cv_suite suite;
    struct ike_algs algs;
    struct ike_keys keys;
};

enum { DELETED_MAX = 64 };

struct ike_change {
    /* the step itself */
    bool answer;        /* this came of the response to our outstanding request */
    uint8_t next;       /* ike_state; ST_FREE: stays */
    uint8_t send;       /* ike_send: what out is */
    uint8_t ask;        /* CV_NEED_*: question to the host; 0 none */
    enum cv_err close;  /* the SA ends, for this reason */
    bool unsent;        /* there was no room for the last word */
    enum cv_err failed; /* the exchange failed, the SA goes on */
    uint16_t notify;    /* notify type that was sent or came with it */
    bool by_peer;       /* it came: the peer refuses */
    uint32_t taken_by;  /* the plan's, of a Child SA that was refused; 0 none */

    /* what was agreed; at most one of them */
    bool has_child, has_ike, has_init, has_words;
    union {
        struct child_plan child;
        struct {
            struct ike_plan ike;       /* of a rekey, or of IKE_SA_INIT */
            struct ike_auth_keys auth; /* IKE_SA_INIT */
        };
        struct auth_words words; /* IKE_AUTH, from the peer who says it is peer_id */
    };
    uint8_t nonce[NONCE_MAX]; /* rekey: the lower one (RFC 7296 section 2.8.1); INIT: ours */
    uint16_t nonce_len;
    uint16_t retry_group; /* INVALID_KE_PAYLOAD: the group to try */

    /* IKE_SA_INIT */
    bool again;            /* it goes again, with retry_group and */
    struct cv_span cookie; /* this */
    bool refused;          /* it is refused, and nobody knows by whom: failed, notify */

    /* IKE_AUTH */
    const struct cv_conn *conn; /* the peer's */
    struct cv_id peer_id;
    bool verified;         /* older SAs of this peer go, as its connection says */
    bool has_lease;        /* the host assigned addresses to the peer */
    bool has_addresses;    /* the peer assigned addresses to us */
    struct cv_lease lease; /* either */
    enum cv_err address;   /* why there are none */
    uint32_t child_asked;  /* number of the Child SA in our request; 0 none */
    bool established;      /* the IKE SA is up */
    bool peer_alerts;
    bool auth_failed; /* close says why; details stay on this side */
    bool parting;     /* the peer may take the SA for established: delete it there */
    uint16_t parting_notify;

    /* INFORMATIONAL */
    uint32_t deleted[DELETED_MAX]; /* Child SAs that the peer deleted */
    unsigned n_deleted;
    uint32_t unknown_spi; /* the peer deleted one that we do not know; 0 none */
    bool deleted_ours;    /* our own delete was answered */
    enum cv_err alert;    /* the peer tells of tampering; CV_OK: it does not */
    uint32_t alert_spi, alert_count;

    /* MOBIKE */
    bool mobike;       /* IKE_AUTH: both sides speak it */
    bool moves;        /* the peer is where the message came from now */
    bool proven;       /* it has shown so */
    bool path_refused; /* it does not take where we are */
    bool has_others;   /* it tells its addresses: */
    struct addr_list others;
    struct natd_result nat; /* what the two see of each other, if present */
    uint16_t mapping;

    /* another gateway */
    bool redirects;
    struct cv_id gateway;
};

/* What a handler has written. */
enum ike_send { SEND_NOTHING = 0, SEND_RESPONSE, SEND_AUTH };

/* What brings an SA on: a message of the peer, an answer of the host, or that none came. */
enum ike_kind {
    REQ = 0,
    RESP = 1,
    ANSWER_PSK = CV_NEED_PSK,
    ANSWER_SIGNATURE = CV_NEED_SIGNATURE,
    ANSWER_VERIFY = CV_NEED_VERIFY,
    ANSWER_ADMISSION = CV_NEED_ADMISSION,
    ANSWER_ADDRESS = CV_NEED_ADDRESS,
    NO_ANSWER
};

/* An answer of the host.  What its kind does not have is empty. */
struct ike_answer {
    enum cv_err err; /* CV_OK, or why there is none */
    struct cv_span secret;
    const struct cv_signature *sig;
    const struct cv_lease *lease;
};

struct ike_in {
    uint8_t kind; /* ike_kind */
    uint8_t exchange;
    const struct ike_msg *m;     /* a message, parsed; but for IKE_SA_INIT, authentic */
    uint32_t kept;               /* message buffer that m points into, or POOL_NONE */
    const struct ike_path *path; /* where a message came in */
    /* IKE_SA_INIT: as it came */
    const struct ike_hdr *h;
    struct cv_span datagram;
    bool proven; /* a cookie of ours came back with it */
    const struct ike_answer *answer;
};

/* Writes what is to be sent into out and what is to change into ch.  An error: nothing is sent
 * and nothing changes. */
typedef enum cv_err ike_handler(const struct ike *k, const struct ike_sa *sa,
                                const struct ike_in *in, struct ike_out *out,
                                struct ike_change *ch);

/* ---- send.c */
void out_begin(struct ike *k, struct ike_out *o);
/* Writes N(type) with data into out and notes it in ch. */
void out_reject(struct ike_out *o, struct ike_change *ch, enum cv_err err, struct cv_span data);
/* Seals and sends the outstanding request, kept for repetition. */
CV_MUST_USE enum cv_err send_request(struct ike *k, struct ike_sa *sa, uint8_t exchange,
                                     enum ike_doing doing, const struct ike_out *o);
/* Seals and sends the response to the peer's request next_in, which is thereby done.  path:
 * where the request came in, if it came just now. */
CV_MUST_USE enum cv_err send_response(struct ike *k, struct ike_sa *sa, uint8_t exchange,
                                      const struct ike_path *path, const struct ike_out *o);
/* The same response again. */
void send_response_again(struct ike *k, struct ike_sa *sa, const struct ike_path *path);
/* One delete of the whole IKE SA that nobody waits for. */
void send_parting(struct ike *k, struct ike_sa *sa, uint16_t notify);
/* Queues the datagrams of message i. */
void send_again(struct ike *k, struct ike_sa *sa, uint32_t i);
void send_unprotected(struct ike *k, const struct ike_path *path, uint32_t i);
void send_keepalive(struct ike *k, struct ike_sa *sa);
void resend_arm(struct ike *k, struct ike_sa *sa);
/* The outstanding request was answered. */
void request_done(struct ike *k, struct ike_sa *sa);

/* ---- refusal.c */
/* What the peer says with n in the place of an agreement. */
void refusal_read(struct ike_change *ch, const struct ike_notify *n);
/* Is it this side that could not do its part?  No word about the peer's identity then. */
bool refusal_is_ours(enum cv_err err);
/* Commit: the host is told of a refusal, ours or the peer's; in led to it. */
void refusal_commit(struct ike *k, const struct ike_sa *sa, const struct ike_in *in,
                    const struct ike_change *ch);
/* The same of an attempt that ends with ch->auth_failed. */
void refusal_auth(struct ike *k, const struct ike_sa *sa, const struct ike_in *in,
                  const struct ike_change *ch);
/* Commit: of a request that makes no SA. */
void refusal_stateless(struct ike *k, const struct ike_in *in, const struct ike_change *ch);

/* ---- watched.c */
/* For a host that looks on: a message of an SA, decrypted; one outside of SK, that came or that
 * lies in slot to be sent; keys as they are made. */
void watched_protected(const struct ike *k, const struct ike_sa *sa, const struct ike_hdr *h,
                       uint8_t first, bool out, struct cv_span payloads);
void watched_datagram(const struct ike *k, const struct ike_sa *sa, const struct ike_path *path,
                      bool out, struct cv_span datagram);
void watched_sent(const struct ike *k, const struct ike_sa *sa, const struct ike_path *path,
                  uint32_t slot);
void watched_keys(const struct ike *k, const struct ike_sa *sa);
void watched_child_keys(const struct ike *k, const struct cv_pair_config *pair);

/* ---- eviction.c */
/* Are n message buffers free, if need be after dropping cached responses? */
bool msg_make_room(struct ike *k, uint32_t n);
/* What must be free so that a handshake that has begun can be finished. */
uint32_t msg_reserve(const struct ike *k);
uint32_t msg_new_or_evict(struct ike *k);
uint32_t msg_copy_or_evict(struct ike *k, struct cv_span s);

/* ---- nonce.c */
/* The lower of two nonces (RFC 7296 section 2.8.1). */
struct cv_span nonce_lower(struct cv_span a, struct cv_span b);
bool nonce_less(struct cv_span a, struct cv_span b);
void change_nonce(struct ike_change *ch, struct cv_span ni, struct cv_span nr);

/* ---- input.c, init_input.c, step.c */
/* One IKE datagram without marker; it is decrypted in place. */
enum cv_err ike_input(struct ike *k, uint8_t *p, size_t n, const struct ike_path *path);
/* The same for what belongs to no SA yet. */
enum cv_err init_input(struct ike *k, const struct ike_hdr *h, struct cv_span datagram,
                       const struct ike_path *path);
/* One parsed message or one answer of the host.  sa is NULL for what makes a new SA. */
enum cv_err ike_step(struct ike *k, struct ike_sa *sa, const struct ike_in *in);
/* Must the message outlive its datagram, because the host is asked about it? */
bool ike_step_keeps(const struct ike_sa *sa, const struct ike_in *in);
/* Installs the plan.  NULL when that fails: a Child SA that was there is doomed by then. */
struct child_sa *child_install(struct ike *k, struct ike_sa *sa, struct child_plan *plan);
/* When c is rekeyed and when it ends, counted from when it was installed. */
void child_set_lifetimes(const struct ike *k, struct child_sa *c);

/* ---- init.c, init_initiator.c, init_responder.c */
ike_handler init_request, init_response;
/* Commit: the SA that the peer's request makes, whose response is in out. */
CV_MUST_USE enum cv_err init_commit_new(struct ike *k, const struct ike_in *in,
                                        const struct ike_change *ch, const struct ike_out *out,
                                        struct ike_sa **sa);
/* Commit: what the peer's response agrees on, or our request again. */
CV_MUST_USE enum cv_err init_commit(struct ike *k, struct ike_sa *sa, const struct ike_in *in,
                                    const struct ike_change *ch);
/* Answers without keeping anything. */
void init_send_stateless(struct ike *k, const struct ike_in *in, const struct ike_out *out);
CV_MUST_USE enum cv_err init_start(struct ike *k, struct ike_sa *sa,
                                   const struct cv_addr *redirected_from);

/* ---- auth.c, auth_initiator.c, auth_responder.c, auth_commit.c */
ike_handler auth_request, auth_response;
ike_handler initiator_proven, initiator_verdict;
ike_handler responder_verdict, responder_admission, responder_address, responder_proven;
ike_handler auth_unanswered;
/* Commit: the initiator gets ready for IKE_AUTH. */
CV_MUST_USE enum cv_err auth_start(struct ike *k, struct ike_sa *sa);
/* The attempt ends: writes what the peer is told. */
void auth_fail(const struct ike_sa *sa, enum cv_err err, struct ike_out *out,
               struct ike_change *ch);
/* Asks the host. */
CV_MUST_USE enum cv_err auth_ask(struct ike *k, struct ike_sa *sa, uint8_t kind);
/* The parts of a change that are IKE_AUTH's: before the SA is up or ends, and after. */
void auth_commit(struct ike *k, struct ike_sa *sa, const struct ike_in *in,
                 const struct ike_change *ch);
void auth_commit_up(struct ike *k, struct ike_sa *sa, struct ike_change *ch);

/* ---- child.c */
/* What m says about a Child SA; with_ke: a KE payload would be part of it. */
struct child_terms child_terms(const struct ike_msg *m, bool with_ke);
/* Responder's half: configuration, selectors, proposal for what the peer asks.  old: the
 * Child SA being rekeyed, or NULL. */
CV_MUST_USE enum cv_err child_answer(const struct ike *k, const struct ike_sa *sa,
                                     const struct child_terms *t, const struct child_sa *old,
                                     struct child_plan *plan, struct proposal_choice *choice);
/* Initiator's half: is the answer within what c asked for? */
CV_MUST_USE enum cv_err child_check(const struct ike *k, const struct ike_sa *sa,
                                    const struct child_terms *t, const struct child_sa *c,
                                    struct child_plan *plan);
/* Appends SA, TSi, TSr that ask for c. */
CV_MUST_USE enum cv_err child_put_request(const struct ike *k, const struct ike_sa *sa,
                                          const struct child_sa *c, bool with_ke,
                                          struct ike_out *o);
/* Appends SA, TSi, TSr of the answer. */
void child_put_answer(const struct child_plan *plan, const struct proposal_choice *choice,
                      bool with_ke, struct ike_out *o);
/* Fills the plan's keys; secret is empty without a new key exchange. */
CV_MUST_USE enum cv_err child_keys(const struct ike *k, const struct ike_sa *sa,
                                   struct child_plan *plan, struct cv_span secret,
                                   struct cv_span ni, struct cv_span nr);

/* ---- claim.c */
/* CV_ERR_TS_TAKEN: what plan protects is another peer's, as plan->taken_by says. */
CV_MUST_USE enum cv_err claim_check(const struct ike *k, const struct ike_sa *sa,
                                    struct child_plan *plan);
/* Commit: the host hears who asked for what is whose. */
void claim_tell(struct ike *k, const struct ike_sa *sa, uint32_t owner);

/* ---- create_child.c, rekey_ike.c */
ike_handler create_child_request, create_child_response, refuse_request;
ike_handler rekey_ike_request, rekey_ike_response;
CV_MUST_USE enum cv_err create_child_start(struct ike *k, struct ike_sa *sa,
                                           struct child_sa *c);
CV_MUST_USE enum cv_err rekey_ike_start(struct ike *k, struct ike_sa *sa);
/* The peer deletes c, the new one of its rekey, and not the old one: it has no room for it. The
 * old one goes on. */
void child_taken_back(struct ike *k, struct ike_sa *sa, struct child_sa *c);
/* The peer's request is acceptable: its Child SA is installed, or where that is not possible
 * the answer in out becomes a refusal.  And back again: the answer could not be sent. */
void create_child_make(struct ike *k, struct ike_sa *sa, struct ike_out *out,
                       struct ike_change *ch);
void create_child_unmake(struct ike *k, const struct ike_change *ch, enum cv_err why);
void create_child_commit(struct ike *k, struct ike_sa *sa, struct ike_change *ch);
void rekey_ike_commit(struct ike *k, struct ike_sa *sa, struct ike_change *ch);
/* Child SAs, lease and event go from a replaced IKE SA to its successor. */
void sa_inherit(struct ike *k, struct ike_sa *from, struct ike_sa *to);

/* ---- info.c */
ike_handler info_request, info_response;
CV_MUST_USE enum cv_err delete_ike_start(struct ike *k, struct ike_sa *sa);
CV_MUST_USE enum cv_err delete_child_start(struct ike *k, struct ike_sa *sa,
                                           struct child_sa *c);
CV_MUST_USE enum cv_err liveness_start(struct ike *k, struct ike_sa *sa);

/* ---- alert.c */
void alert_announce(struct ike_out *o);
/* The data plane has counted err on c so often: tell the peer, if it wants to know. */
void alert_want(struct ike *k, struct ike_sa *sa, const struct child_sa *c, enum cv_err err,
                uint64_t count);
CV_MUST_USE enum cv_err alert_start(struct ike *k, struct ike_sa *sa);
void alert_read(const struct ike_sa *sa, const struct ike_msg *m, struct ike_change *ch);
void alert_commit(struct ike *k, const struct ike_sa *sa, const struct ike_change *ch);

/* ---- task.c */
/* Starts what the touched SAs want next, as far as no request is outstanding, and sets their
 * timers. */
void ike_run_touched(struct ike *k);
void ike_timeout(struct ike *k, struct peer_timer *t);

#endif
