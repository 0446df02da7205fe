/* The provider of signatures and of verdicts on signatures.  Both take milliseconds, so threads
 * work on them while the loop forwards packets.  A verdict may have to wait for what others say
 * about a certificate, without keeping a thread from its work.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef ASK_SIGNER_H
#define ASK_SIGNER_H

#include <event2/event.h>

#include "ask/ask.h"
#include "creds/creds.h"

struct signer;

struct signer_host {
    struct event_base *base;
    struct ask *ask;
    struct creds *creds;
    void (*pump)(void *ctx); /* after answers that came by themselves */
    /* What is wrong with a certificate, which the peer is not told. */
    void (*note)(void *ctx, int level, uint32_t ike, const char *text);
    void *ctx;
    int64_t (*unix_s)(void);
    uint32_t ask_online_ms; /* of a verdict may go by while others are asked about the status of
                               certificates; then it is given with what is known */
};

/* threads 0: in the loop.  line: questions that may wait for a thread; what comes beyond is
 * refused.  NULL: the system gives no descriptor. */
struct signer *signer_new(const struct signer_host *host, unsigned threads, uint32_t line);
/* Starts the threads, with the privileges that the caller has by now.  False: not all of them
 * could be started; where there is none, signatures are made in the loop, and nobody is asked
 * about certificates. */
bool signer_start(struct signer *s);
/* Waits for the signatures that are being made, and lets go of all questions. */
void signer_free(struct signer *s);

#endif
