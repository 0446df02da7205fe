/* One question with a copy of all that it shows.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef ASK_ASKED_H
#define ASK_ASKED_H

#include "ask/ask.h"

/* A question on its way through the table; q is what providers see of it. */
struct filed {
    struct asked q;
    struct ask *ask;
    bool open;    /* the answer is awaited */
    bool refused; /* it shows nothing, there was no room */
    unsigned holders;
    struct filed *older, *newer;          /* on the list of open ones, or of those only held */
    struct filed *number_next, *ike_next; /* in the same slot */
    struct cv_id local, remote;
    struct cv_span certs[CV_CERTS_MAX];
    struct cv_cert_word words[CV_CERT_WORDS_MAX];
    size_t n; /* octets that follow */
    uint8_t octets[];
};

/* NULL: no memory. */
struct filed *filed_new(const struct cv_effect *fx);
/* Without anything that it shows, only to be refused. */
struct filed *filed_bare(const struct cv_effect *fx);
void filed_free(struct filed *f); /* wipes */

#endif
