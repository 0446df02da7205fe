/* Lies in tables: what is said, at which point of an honest life, and what is right: the
 * victim's answer, what it counts, and what is left afterwards.
 *
 * Each lie has a world of its own.  "As before" is proven by going on honestly: the exchange
 * that the lie stood in for must still succeed, or the established SA be the same and answer.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SIM_LIES_H
#define SIM_LIES_H

#include "sim/liar.h"

enum lie_after {
    AS_BEFORE, /* nothing has changed */
    GONE,      /* the IKE SA ends, or never comes up */
    BARE,      /* the IKE SA comes up, the Child SA does not */
    UP         /* both come up: it was no lie, or only a harmless one */
};

enum {
    SILENCE = 0xffff,
    NO_ERROR = 0
}; /* for notify: no answer at all; an answer without error */

struct lie {
    const char *what;
    void (*tell)(struct liar *l);
    uint16_t notify;    /* of the victim's answer */
    enum cv_err counts; /* CV_OK: any */
    uint8_t after;      /* lie_after */
};

struct lies {
    bool initiator; /* the liar's role in the IKE SA */
    bool mobike;    /* both speak it */
    unsigned steps; /* honest exchanges before the lie: 0, 1 (IKE_SA_INIT), 2 (and IKE_AUTH) */
    void (*arrange)(struct host *victim, struct recipe *r); /* before it starts; NULL */
    void (*ask)(struct host *victim); /* what the victim is told to ask, for an answer; NULL */
    const struct lie *lie;
    unsigned n;
};

/* Tells every lie; prints each one that was not met as it should be.  Returns how many. */
unsigned lies_tell(const struct lies *t);

#endif
