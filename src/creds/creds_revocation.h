/* Is any certificate of a path revoked?  What is known answers that, and who could be asked.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef CREDS_CREDS_REVOCATION_H
#define CREDS_CREDS_REVOCATION_H

#include "creds/creds_lookup.h"
#include "creds/creds_path.h"

/* CV_OK: none of them is, as far as policy wants to know; why has a remark or is empty.
 * CV_ERR_CERT_STATUS with i->want: to be asked again.  i NULL: nobody can be asked. */
CV_MUST_USE enum cv_err revocation_check(const struct creds *c, const struct path *path,
                                         const struct cv_effect *fx, int64_t now_s,
                                         struct inquiry *i, struct problem *why);
/* Asks OCSP about a certificate of ours, for others to see.  True: i->want is that question. */
bool revocation_ask(const struct creds *c, const struct issued *about, int64_t now_s,
                    struct inquiry *i);

#endif
