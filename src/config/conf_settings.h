/* The daemon's own settings.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef CONFIG_CONF_SETTINGS_H
#define CONFIG_CONF_SETTINGS_H

#include "config/conf_read.h"

/* section may be NULL: the defaults, and what strongswan.conf says otherwise.  out's texts are
 * its own, to be freed. */
CV_MUST_USE bool conf_read_settings(struct conf_reader *r, const struct node *section,
                                    struct daemon_settings *out);

/* ---- strongswan.conf: conf_strongswan.c ---------------------------------------- */

/* The file that goes with a configuration: the one named, else the one beside it.  NULL where
 * there is none or it cannot be read, which is an error only of one that is named. */
struct node *conf_read_strongswan(struct conf_reader *r, const struct conf_source *from);
/* The i-th of the sections whose values count, what comes later counts more; NULL at the end.
 */
const struct node *conf_charon_section(const struct conf_reader *r, unsigned i);
/* What it says that every device is told. */
void conf_read_common_words(struct conf_reader *r, struct pool_words *out);
/* Tables follow from max_devices, and hold what the file has in it: so many connections, and
 * policies of theirs. */
void conf_size_tables(struct daemon_settings *s, uint32_t n_conns, uint32_t n_policies);

#endif
