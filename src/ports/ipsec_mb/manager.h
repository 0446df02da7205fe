/* Intel's multi-buffer library as far as this machine has it.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef PORTS_IPSEC_MB_MANAGER_H
#define PORTS_IPSEC_MB_MANAGER_H

/* The library's table of functions for this processor; the same for the whole process.  NULL:
 * there is no such library, one older than we were built for, or a processor without AES and
 * carry-less multiplication, where the library's tables would tell keys by their timing. */
const struct IMB_MGR *manager_get(void);

#endif
