/* Security associations as `ip xfrm state` prints them, and as `ip xfrm state add` takes them.
 *
 * Host code: a list owns its memory, keys included, and wipes them.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_PACKET_XFRM_STATE_H
#define CLI_PACKET_XFRM_STATE_H

#include <culvert/engine.h>

#include "kit/problem.h"

enum {
    XFRM_WINDOW_MAX = 4096,
    XFRM_BITMAP_WORDS = XFRM_WINDOW_MAX / 32,
    XFRM_KEY_MAX = CV_CIPHER_KEY_MAX + CV_INTEG_KEY_MAX
};

/* One SA, in one direction. */
struct xfrm_sa {
    unsigned line; /* where it begins, from 1 */
    struct cv_addr src, dst;
    uint8_t protocol; /* cv_protocol */
    uint8_t mode;     /* cv_mode */
    uint32_t spi, reqid;
    struct cv_suite suite;     /* encr, encr_bits, integ, esn */
    uint8_t key[XFRM_KEY_MAX]; /* encryption key with salt, then integrity key */
    size_t key_len;
    bool encap; /* ESP in UDP */
    uint16_t sport, dport;
    uint32_t window;                  /* packets; 0: no anti-replay */
    uint64_t seq;                     /* newest number received; 0: none */
    uint64_t oseq;                    /* last number sent */
    uint32_t seen[XFRM_BITMAP_WORDS]; /* bit i: number seq - i was received */
    struct cv_ts from, to;            /* its selector; family 0 is any packet */
};

struct xfrm_list {
    struct xfrm_sa *sa;
    size_t n, cap;
};

/* Reads all SAs of a text; name is the file's, for messages.  False: why says "FILE:LINE: "
 * and what was expected; the list is empty.  A text without any SA is an error. */
bool xfrm_read_text(struct xfrm_list *out, const char *text, size_t n, const char *name,
                    struct problem *why);
bool xfrm_read_file(struct xfrm_list *out, const char *name, struct problem *why);
void xfrm_free(struct xfrm_list *list);

/* ---- xfrm_alg.c: the kernel's names for algorithms --------------------------------- */

enum xfrm_alg_kind { XFRM_ENC, XFRM_AUTH, XFRM_AEAD };

/* An algorithm as one line of the text names it. */
struct xfrm_alg {
    uint16_t id;   /* cv_encr_id, cv_integ_id */
    uint16_t bits; /* cipher's key length for cv_suite; 0: it has one length */
};

/* Finds name with an ICV of icv_bits (0 for XFRM_ENC; for XFRM_AUTH and XFRM_AEAD 0 is the
 * kernel's default) and a key of key_len octets.  False: why->text says what does not fit,
 * without the place. */
bool xfrm_alg_find(struct xfrm_alg *out, enum xfrm_alg_kind kind, const char *name,
                   unsigned icv_bits, size_t key_len, struct problem *why);
/* Has it no key at all? */
bool xfrm_alg_keyless(enum xfrm_alg_kind kind, const char *name);

#endif
