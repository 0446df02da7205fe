/* Owns how devices are changed: each verb says what becomes of one, and it is done for all that
 * are named.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli/device_set.h"

#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/args.h"
#include "cli/fleet_open.h"
#include "cli/fleet_view.h"
#include "fleet/registry_decide.h"

enum { NAMES_MAX = 256 };

struct where {
    const char *root, *registry;
    bool json;
};

#define WHERE_ARGS(w)                                                                          \
    {"json", ARG_FLAG, &(w).json, "the device as it is then, an object a line"},               \
        {"registry", ARG_TEXT, &(w).registry, "URI  instead of the one in fleet.conf"},        \
        {"root", ARG_TEXT, &(w).root, "DIR  below which all files are (default /)"},           \
    {                                                                                          \
        NULL, ARG_FLAG, NULL, NULL                                                             \
    }

/* Whose decision it is, for the list of events. */
static const char *operator_name(char out[64])
{
    const struct passwd *p = getpwuid(getuid());

    snprintf(out, 64, "%s", p != NULL ? p->pw_name : "somebody");
    return out;
}

static enum cli_exit decide(const struct where *w, struct registry *r, struct decision *d)
{
    struct device after;
    char by[64];

    d->by = operator_name(by);
    if (registry_decide(r, d, &after) != REGISTRY_OK)
        return fleet_fail(r);
    if (w->json)
        view_device_json(&after);
    return CLI_OK;
}

/* The same for each name; one that is not there does not keep the others. */
static enum cli_exit decide_all(const struct where *w, char *const *names, struct decision *d)
{
    enum cli_exit code, one;
    struct registry *r = fleet_open(w->root, w->registry, &code);

    if (r == NULL)
        return code;
    for (code = CLI_OK; *names != NULL; names++) {
        d->name = *names;
        one = decide(w, r, d);
        if (one != CLI_OK)
            code = one;
    }
    registry_close(r);
    return code;
}

/* ---- states ------------------------------------------------------------------- */

static enum cli_exit set_state(int argc, char **argv, enum device_state state,
                               const char *usage)
{
    struct where w = {.registry = NULL};
    const struct arg list[] = {WHERE_ARGS(w)};
    const struct args args = {.usage = usage, .list = list, .least = 1, .most = NAMES_MAX};
    const struct device to = {.state = state};
    struct decision d = {.fields = DEVICE_STATE, .to = &to};
    char *names[NAMES_MAX + 1];
    enum cli_exit code;

    return args_read(&args, argc, argv, names, &code) ? decide_all(&w, names, &d) : code;
}

enum cli_exit device_suspend(int argc, char **argv)
{
    return set_state(argc, argv, DEVICE_SUSPENDED,
                     "usage: culvert device suspend NAME... [OPTION...]\n\n"
                     "They are not let in until they are resumed; their tunnels end within a "
                     "second.\n\n");
}

enum cli_exit device_resume(int argc, char **argv)
{
    return set_state(argc, argv, DEVICE_ACTIVE,
                     "usage: culvert device resume NAME... [OPTION...]\n\n"
                     "Suspended devices are let in again.\n\n");
}

enum cli_exit device_revoke(int argc, char **argv)
{
    return set_state(argc, argv, DEVICE_REVOKED,
                     "usage: culvert device revoke NAME... [OPTION...]\n\n"
                     "For good: tunnels end within a second, certificates are revoked, codes "
                     "and secrets gone.\n\n");
}

/* ---- members ------------------------------------------------------------------ */

enum cli_exit device_rename(int argc, char **argv)
{
    struct where w = {.registry = NULL};
    const struct arg list[] = {WHERE_ARGS(w)};
    const struct args args = {
        .usage = "usage: culvert device rename NAME NEW [OPTION...]\n\n"
                 "Only what it is called: identity, history and tunnel stay.\n\n",
        .list = list,
        .least = 2,
        .most = 2};
    struct device to = {.id = 0};
    struct decision d = {.fields = DEVICE_NAME, .to = &to};
    char *words[3];
    enum cli_exit code;

    if (!args_read(&args, argc, argv, words, &code))
        return code;
    if (snprintf(to.name, sizeof(to.name), "%s", words[1]) >= (int)sizeof(to.name))
        return cli_fail("%s: the name is too long", words[1]);
    words[1] = NULL;
    return decide_all(&w, words, &d);
}

/* A member that is given is one to be changed; false: it does not fit. */
static bool take(const char *given, char *member, size_t n, unsigned field, unsigned *fields)
{
    if (given == NULL)
        return true;
    *fields |= field;
    if (snprintf(member, n, "%s", given) < (int)n)
        return true;
    cli_fail("'%s' is too long", given);
    return false;
}

static enum cli_exit move(const struct where *w, char *const *names, struct decision *d,
                          struct device *to, const char *v4, const char *v6)
{
    struct device now;
    enum cli_exit code;
    struct registry *r;

    if (!take(v4, to->address, sizeof(to->address), DEVICE_ADDRESS, &d->fields) ||
        !take(v6, to->address6, sizeof(to->address6), DEVICE_ADDRESS, &d->fields))
        return CLI_FAILED;
    if ((d->fields & DEVICE_ADDRESS) == 0)
        return decide_all(w, names, d);
    r = fleet_open(w->root, w->registry, &code);
    if (r == NULL)
        return code;
    d->name = names[0];
    if (registry_device_get(r, names[0], &now) != REGISTRY_OK) {
        code = fleet_fail(r);
    } else { /* the address of the other family stays */
        if (v4 == NULL)
            memcpy(to->address, now.address, sizeof(to->address));
        if (v6 == NULL)
            memcpy(to->address6, now.address6, sizeof(to->address6));
        code = decide(w, r, d);
    }
    registry_close(r);
    return code;
}

enum cli_exit device_move(int argc, char **argv)
{
    struct where w = {.registry = NULL};
    const char *profile = NULL, *tenant = NULL, *v4 = NULL, *v6 = NULL;
    const struct arg list[] = {
        {"profile",  ARG_TEXT, &profile, "NAME  to another profile"                          },
        {"tenant",   ARG_TEXT, &tenant,  "NAME  to another tenant"                           },
        {"address",  ARG_TEXT, &v4,      "ADDRESS  another IPv4 address for good; \"\": none"},
        {"address6", ARG_TEXT, &v6,      "ADDRESS  the same for IPv6"                        },
        WHERE_ARGS(w),
    };
    const struct args args = {
        .usage = "usage: culvert device move NAME... [OPTION...]\n\n"
                 "To another profile, tenant or address; with another address it connects "
                 "anew.\n\n",
        .list = list,
        .least = 1,
        .most = NAMES_MAX};
    struct device to = {.id = 0};
    struct decision d = {.to = &to};
    char *names[NAMES_MAX + 1];
    enum cli_exit code;

    if (!args_read(&args, argc, argv, names, &code))
        return code;
    if (!take(profile, to.profile, sizeof(to.profile), DEVICE_PROFILE, &d.fields) ||
        !take(tenant, to.tenant, sizeof(to.tenant), DEVICE_TENANT, &d.fields))
        return CLI_FAILED;
    if (d.fields == 0 && v4 == NULL && v6 == NULL) {
        cli_fail("where to?  --profile, --tenant, --address or --address6");
        return CLI_USAGE;
    }
    if ((v4 != NULL || v6 != NULL) && names[1] != NULL) {
        cli_fail("an address is one device's");
        return CLI_USAGE;
    }
    return move(&w, names, &d, &to, v4, v6);
}

enum cli_exit device_tag(int argc, char **argv)
{
    struct where w = {.registry = NULL};
    struct arg_list tags = {.n = 0};
    const struct arg list[] = {
        {"tag", ARG_LIST, &tags, "WORD  one of them; may be given again.  None: no tags"},
        WHERE_ARGS(w),
    };
    const struct args args = {
        .usage = "usage: culvert device tag NAME... [--tag WORD...] [OPTION...]\n\n"
                 "These are the tags of the devices from now on.\n\n",
        .list = list,
        .least = 1,
        .most = NAMES_MAX};
    struct device to = {.id = 0};
    struct decision d = {.fields = DEVICE_TAGS, .to = &to};
    char *names[NAMES_MAX + 1];
    enum cli_exit code;
    size_t at = 0;

    if (!args_read(&args, argc, argv, names, &code))
        return code;
    for (unsigned i = 0; i < tags.n && at < sizeof(to.tags); i++)
        at += (size_t)snprintf(&to.tags[at], sizeof(to.tags) - at, "%s ", tags.v[i]);
    if (at >= sizeof(to.tags))
        return cli_fail("these tags are too long");
    return decide_all(&w, names, &d);
}

enum cli_exit device_note(int argc, char **argv)
{
    struct where w = {.registry = NULL};
    const struct arg list[] = {WHERE_ARGS(w)};
    const struct args args = {.usage = "usage: culvert device note NAME TEXT [OPTION...]\n\n"
                                       "What people should know of it.\n\n",
                              .list = list,
                              .least = 2,
                              .most = 2};
    struct device to = {.id = 0};
    struct decision d = {.to = &to};
    char *words[3];
    enum cli_exit code;

    if (!args_read(&args, argc, argv, words, &code))
        return code;
    if (!take(words[1], to.notes, sizeof(to.notes), DEVICE_NOTES, &d.fields))
        return CLI_FAILED;
    words[1] = NULL;
    return decide_all(&w, words, &d);
}

enum cli_exit device_remove(int argc, char **argv)
{
    struct where w = {.registry = NULL};
    const struct arg list[] = {WHERE_ARGS(w)};
    const struct args args = {
        .usage =
            "usage: culvert device remove NAME... [OPTION...]\n\n"
            "Revoked devices are forgotten; what happened to them stays among the events.\n\n",
        .list = list,
        .least = 1,
        .most = NAMES_MAX};
    char *names[NAMES_MAX + 1], by[64];
    struct registry *r;
    enum cli_exit code;

    if (!args_read(&args, argc, argv, names, &code))
        return code;
    r = fleet_open(w.root, w.registry, &code);
    if (r == NULL)
        return code;
    for (char *const *name = names; *name != NULL; name++)
        if (registry_decide_removal(r, *name, operator_name(by)) != REGISTRY_OK)
            code = fleet_fail(r);
    registry_close(r);
    return code;
}
