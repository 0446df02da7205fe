/* Traffic selectors as sets: resolving, narrowing, containing.  RFC 7296 section 2.9.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef IDENT_TS_H
#define IDENT_TS_H

#include <culvert/error.h>
#include <culvert/policy.h>

/* What a policy's selectors mean now: dynamic ones become the single addresses in
 * dyn (skipping those with family 0); with none given a dynamic selector is every address of
 * both families. CV_ERR_LIMIT above CV_TS_MAX. */
CV_MUST_USE enum cv_err ts_resolve(struct cv_ts_list *out, const struct cv_ts_config *cfg,
                                   unsigned n, const struct cv_addr *dyn, unsigned n_dyn);

/* The common part of both sets, in ours' order within theirs' order, without repeats.
 * CV_ERR_TS when empty; above CV_TS_MAX only the first ones stay, which is narrowing, too. */
CV_MUST_USE enum cv_err ts_narrow(struct cv_ts_list *out, const struct cv_ts_list *ours,
                                  const struct cv_ts_list *theirs);

/* The same with theirs as a TS body that ike_check_ts accepted: however many there are. */
CV_MUST_USE enum cv_err ts_narrow_body(struct cv_ts_list *out, const struct cv_ts_list *ours,
                                       struct cv_span theirs);

/* Is every selector of a inside some selector of b? */
bool ts_within(const struct cv_ts_list *a, const struct cv_ts_list *b);
bool ts_equal(const struct cv_ts_list *a, const struct cv_ts_list *b);

#endif
