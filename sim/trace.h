/* The ladder of a run: what each datagram was, in words, for people who debug.
 *
 * Payload names inside SK come from the crypto wrapper, which sees the plaintext.  The
 * last lines are kept and printed when a run fails; CULVERT_TRACE=1 prints all at once.
 * It reads octets itself, with none of the code under test.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SIM_TRACE_H
#define SIM_TRACE_H

#include <culvert/types.h>

#include "sim/network.h"

enum { TRACE_LINES = 400, TRACE_WIDTH = 200, TRACE_SEALED = 64 };

struct trace_sealed { /* what was inside a message, by its header */
    uint8_t header[28];
    char text[120];
};

struct trace {
    bool live;
    bool ike_only; /* leave out ESP and keepalives */
    uint64_t n;    /* lines so far */
    char (*line)[TRACE_WIDTH];
    struct trace_sealed sealed[TRACE_SEALED];
    unsigned n_sealed;
};

void trace_init(struct trace *t);
void trace_free(struct trace *t);
void trace_line(struct trace *t, uint64_t now_ms, const char *text);
void trace_datagram(struct trace *t, const struct net *net, const struct datagram *d,
                    const char *fate);
void trace_seal(struct trace *t, struct cv_span aad, struct cv_span plain);
void trace_dump(const struct trace *t);

/* The IKE message in a datagram; empty when it carries ESP or a keepalive. */
struct cv_span trace_ike(const struct datagram *d);

#endif
