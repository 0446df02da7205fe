/* The daemon's own settings.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef CONFIG_CONF_SETTINGS_H
#define CONFIG_CONF_SETTINGS_H

#include "config/conf_read.h"

/* section may be NULL: the defaults.  out's texts are its own, to be freed. */
CV_MUST_USE bool conf_read_settings(struct conf_reader *r, const struct node *section,
                                    struct daemon_settings *out);
/* Tables follow from max_devices, and hold what the file has in it: so many connections, and
 * policies of theirs. */
void conf_size_tables(struct daemon_settings *s, uint32_t n_conns, uint32_t n_policies);

#endif
