/* culvert device: which verb is meant.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli/device_add.h"
#include "cli/device_list.h"
#include "cli/device_set.h"
#include "cli/verb_table.h"

static const struct verb_row rows[] = {
    {"add",     "new devices, and the lines by which they join", device_add    },
    {"code",    "a new line for one that is there",              device_code   },
    {"list",    "all, or some of them",                          device_list   },
    {"show",    "one, and what happened to it",                  device_show   },
    {"suspend", "not let in until they are resumed",             device_suspend},
    {"resume",  "suspended ones are let in again",               device_resume },
    {"revoke",  "for good",                                      device_revoke },
    {"rename",  "calls one something else",                      device_rename },
    {"move",    "to another profile, tenant or address",         device_move   },
    {"tag",     "words to find them by",                         device_tag    },
    {"note",    "what people should know of one",                device_note   },
    {"remove",  "forgets revoked ones",                          device_remove },
};

static const struct verb_table device_verbs = {"device", rows, sizeof(rows) / sizeof(rows[0])};

enum cli_exit cli_device(int argc, char **argv)
{
    return verb_table_run(&device_verbs, argc, argv);
}
