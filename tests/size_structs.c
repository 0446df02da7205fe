/* Objects whose sizes are those of the core's structs, for size_report.py.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "engine/engine.h"

extern char sizeof_ike_sa[], sizeof_child_sa[], sizeof_ike_hs[], sizeof_ipsec_pair[];

char sizeof_ike_sa[sizeof(struct ike_sa)];
char sizeof_child_sa[sizeof(struct child_sa)];
char sizeof_ike_hs[sizeof(struct ike_hs)];
char sizeof_ipsec_pair[1];
