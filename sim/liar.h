/* A partner who lies: a scripted IKEv2 peer that holds its keys and says exactly what a test
 * names.  Until then it is honest, as initiator or as responder of the IKE SA.
 *
 * It shares nothing with the engine but wire/ and the pure parts of ike/ that turn secrets into
 * keys and messages into octets, so a fault of the engine's state machine is not repeated here.
 * It speaks AES-128-GCM-16, PRF-HMAC-SHA-256 and X25519, and proves itself by the shared
 * secret.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SIM_LIAR_H
#define SIM_LIAR_H

#include "ike/keymat.h"
#include "sim/world.h"
#include "wire/ike.h"

enum { LIAR_MESSAGE = 6000, LIAR_NONCE = 32 };

/* A message of the victim's, decrypted. */
struct liar_heard {
    unsigned n; /* how many came so far */
    bool plain; /* readable: unprotected, or opened with our keys */
    struct ike_hdr hdr;
    struct ike_msg msg; /* points into octets */
    uint8_t octets[LIAR_MESSAGE];
    size_t len;
};

struct liar {
    struct world *w;
    struct host *victim;
    bool initiator; /* of the IKE SA */
    bool mobike;    /* says so in IKE_AUTH */
    struct cv_endpoint at, to;
    const struct cv_crypto *crypto;
    const char *psk;
    struct cv_id id;
    struct cv_ts ts, victim_ts; /* what an honest Child SA is for */
    uint8_t spi_i[IKE_SPI_LEN], spi_r[IKE_SPI_LEN];
    struct cv_span ni, nr;
    uint8_t nonce[LIAR_NONCE], victim_nonce[256];
    const struct cv_ke *ke;
    void *key; /* the initiator's half of a key exchange */
    uint8_t pub[CV_KE_PUB_MAX];
    struct ike_algs algs;
    struct ike_keys keys;
    struct ike_auth_keys auth;
    uint8_t init_ours[LIAR_MESSAGE], init_victims[LIAR_MESSAGE];
    size_t init_ours_len, init_victims_len;
    uint32_t next_out;              /* message ID of our next request */
    uint32_t spi_in, spi_out;       /* of the Child SA: ours, the victim's */
    uint64_t answers;               /* messages of the victim when we last spoke */
    uint32_t hearing_ms;            /* how long it listens after each message; 0: a second */
    struct liar_heard asked, heard; /* the victim's latest request, its latest answer */
};

/* A message being written; what is right is filled in, and may be changed before it goes. */
struct liar_say {
    struct liar *l;
    struct ike_hdr hdr;
    struct cv_endpoint from;
    bool unprotected;
    uint8_t first; /* 0: the chain's own first payload type */
    struct wr w;
    struct ike_chain c;
    uint8_t octets[LIAR_MESSAGE];
};

/* A liar at 192.0.2.77, or elsewhere, beside a victim that is started. */
struct liar *liar_new(struct host *victim, bool initiator);
struct liar *liar_new_at(struct host *victim, bool initiator, struct cv_addr at);
void liar_free(struct liar *l);

/* ---- being honest ---- */

/* As initiator: both exchanges, each with everything that belongs to it. */
bool liar_init(struct liar *l);
bool liar_auth(struct liar *l);
/* Both once more, for another IKE SA; the one before is as it was. */
bool liar_again(struct liar *l);
/* A rekey of the IKE SA, in which it goes on; the old one is not deleted. */
bool liar_rekey(struct liar *l);
/* As responder: the answers, after the victim was told to connect. */
bool liar_answer_init(struct liar *l);
bool liar_answer_auth(struct liar *l);

/* ---- speaking ---- */

void say_request(struct liar *l, struct liar_say *s, enum ike_exchange exchange);
void say_answer(struct liar *l, struct liar_say *s); /* to what was asked last */
/* Sends it and lets a second pass; true when the victim answered meanwhile. */
bool say_end(struct liar_say *s);
/* Fragment no of total of what was said (RFC 7383); the message's own ID is used. */
void say_fragment(struct liar_say *s, uint16_t no, uint16_t total, struct cv_span part);
/* Octets as they are, from here to the victim. */
void say_octets(struct liar *l, struct cv_span octets);

/* ---- what messages are made of ---- */

void put_sa_ike(struct liar_say *s, struct cv_span spi, uint16_t group);
void put_sa_esp(struct liar_say *s, struct cv_span spi, uint16_t group);
void put_ke(struct liar_say *s, uint16_t group);
void put_nonce(struct liar_say *s, size_t n);
void put_id(struct liar_say *s, uint8_t payload, const struct cv_id *id);
/* The right proof for the identity that put_id wrote last, or for l->id. */
void put_proof(struct liar_say *s);
void put_ts(struct liar_say *s, uint8_t payload, const struct cv_ts *ts, unsigned n);
void put_notify(struct liar_say *s, uint16_t type, struct cv_span data);
/* SA, TSi, TSr of an honest Child SA of the first exchange or a later one. */
void put_child(struct liar_say *s);

/* The error notify in the latest answer; 0: none. */
uint16_t heard_error(const struct liar *l);

#endif
