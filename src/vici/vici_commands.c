/* The commands that VICI clients may send, and how they read their arguments.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "vici/inside.h"

/* Known to clients of strongSwan's daemon, but nothing here can do it: the answer says so,
 * which helps more than "unknown command". */
static vici_command no_token;

static const struct {
    const char *name;
    vici_command *run;
} commands[] = {
    {"version",          vici_cmd_version         },
    {"stats",            vici_cmd_stats           },
    {"reload-settings",  vici_cmd_reload          },
    {"get-algorithms",   vici_cmd_get_algorithms  },
    {"get-counters",     vici_cmd_get_counters    },
    {"reset-counters",   vici_cmd_reset_counters  },
    {"get-log",          vici_cmd_get_log         },
    {"log-levels",       vici_cmd_log_levels      },
    {"initiate",         vici_cmd_initiate        },
    {"terminate",        vici_cmd_terminate       },
    {"rekey",            vici_cmd_rekey           },
    {"redirect",         vici_cmd_redirect        },
    {"install",          vici_cmd_install         },
    {"uninstall",        vici_cmd_uninstall       },
    {"list-sas",         vici_cmd_list_sas        },
    {"list-policies",    vici_cmd_list_policies   },
    {"list-conns",       vici_cmd_list_conns      },
    {"get-conns",        vici_cmd_get_conns       },
    {"load-conn",        vici_cmd_load_conn       },
    {"unload-conn",      vici_cmd_unload_conn     },
    {"list-certs",       vici_cmd_list_certs      },
    {"load-cert",        vici_cmd_load_cert       },
    {"flush-certs",      vici_cmd_flush_certs     },
    {"load-key",         vici_cmd_load_key        },
    {"unload-key",       vici_cmd_unload_key      },
    {"get-keys",         vici_cmd_get_keys        },
    {"load-token",       no_token                 },
    {"load-shared",      vici_cmd_load_shared     },
    {"unload-shared",    vici_cmd_unload_shared   },
    {"get-shared",       vici_cmd_get_shared      },
    {"clear-creds",      vici_cmd_clear_creds     },
    {"list-authorities", vici_cmd_list_authorities},
    {"get-authorities",  vici_cmd_get_authorities },
    {"load-authority",   vici_cmd_load_authority  },
    {"unload-authority", vici_cmd_unload_authority},
    {"load-pool",        vici_cmd_load_pool       },
    {"unload-pool",      vici_cmd_unload_pool     },
    {"get-pools",        vici_cmd_get_pools       },
};

vici_command *vici_find_command(const char *name)
{
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
        if (strcmp(name, commands[i].name) == 0)
            return commands[i].run;
    return NULL;
}

static void no_token(struct vici_client *c, const struct node *req)
{
    (void)req;
    vici_answer_error(c, "keys on tokens are not implemented");
}

const char *vici_arg(const struct node *req, const char *name)
{
    const struct node *n = tree_find(req, name);

    return n != NULL && n->kind == NODE_VALUE ? n->value : NULL;
}

bool vici_arg_yes(const struct node *req, const char *name)
{
    static const char *const yes[] = {"yes", "true", "1", "enabled"};
    const char *value = vici_arg(req, name);

    for (size_t i = 0; value != NULL && i < sizeof(yes) / sizeof(yes[0]); i++)
        if (strcmp(value, yes[i]) == 0)
            return true;
    return false;
}

bool vici_arg_number(const struct node *req, const char *name, int64_t min, int64_t max,
                     int64_t *out)
{
    const char *value = vici_arg(req, name);
    char *end;
    long long n;

    if (value == NULL)
        return true;
    errno = 0;
    n = strtoll(value, &end, 10);
    if (errno != 0 || end == value || *end != '\0' || n < min || n > max)
        return false;
    *out = n;
    return true;
}
