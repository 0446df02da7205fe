/* What an IKE SA needs while it moves, in a slot of its own: most SAs never do.
 *
 * Of the side that began the IKE SA: the peer's other addresses, and the ways on trial.  Of the
 * other side: where the peer says that it is now, until it has shown that it is there.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef IKE_ROAM_H
#define IKE_ROAM_H

#include "ike/natd.h"
#include "ike/sa.h"

enum { COOKIE2_LEN = 16 };

struct roam {
    struct addr_list peers; /* the peer's addresses besides the one in use */
    uint8_t n_ways;         /* on trial: whatever waits for an answer goes out on all of them */
    struct cv_way ways[CV_WAYS_MAX];

    bool claims;            /* the peer says that it is at */
    struct ike_path claim;  /* this, */
    struct natd_result nat; /* seen so from there, */
    struct ike_path asked;  /* and was asked here */
    uint8_t cookie2[COOKIE2_LEN];

    struct cv_id gateway; /* where the peer is to go; CV_ID_ANY: it may stay */
};

const struct roam *roam_of(const struct ike *k, const struct ike_sa *sa); /* NULL: none */
struct roam *roam_of_mut(struct ike *k, const struct ike_sa *sa);
/* The slot that sa has, or a new one; NULL: no room. */
struct roam *roam_take(struct ike *k, struct ike_sa *sa);
bool roam_has_room(const struct ike *k, const struct ike_sa *sa);
void roam_end(struct ike *k, struct ike_sa *sa);
/* Gives it back when nothing is in it. */
void roam_settle(struct ike *k, struct ike_sa *sa);
/* to takes over what from has. */
void roam_pass_on(struct ike *k, struct ike_sa *from, struct ike_sa *to);

/* Does what waits for an answer go out sooner and more often than the settings say? */
bool roam_hurries(const struct ike *k, const struct ike_sa *sa);
/* Where message i goes: as many paths as are written to out, of CV_WAYS_MAX at most. */
unsigned roam_paths(const struct ike *k, const struct ike_sa *sa, uint32_t i,
                    struct ike_path out[CV_WAYS_MAX]);

#endif
