/* culvert join and culvert renew: a device of a fleet.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/secret.h"
#include "cli/args.h"
#include "kit/clock.h"
#include "setup/device.h"
#include "setup/service.h"

enum { UP_LIMIT_S = 30, LOOK_MS = 50 };

static void say(const char *text)
{
    printf("  %s\n", text);
    fflush(stdout);
}

/* ---- waiting for the tunnel -------------------------------------------------------------- */

/* The address of ours inside; false: no tunnel yet. */
static bool find_inside(const struct state *s, const char **address)
{
    for (const struct node *e = s->sas->first; e != NULL; e = e->next) {
        const struct node *vips = tree_find(state_sa(e), "local-vips");

        if (state_child_is_up(s, "fleet", "fleet")) {
            *address = vips != NULL && vips->first != NULL ? vips->first->value : "";
            return true;
        }
    }
    return false;
}

static bool is_up(const char *run_dir)
{
    char path[PLACE_MAX];
    const char *address;
    struct problem why;
    struct vici_link *l;
    struct state s;
    bool up = false;

    (void)snprintf(path, sizeof(path), "%.440s/vici.sock", run_dir);
    l = vici_open(path);
    if (l != NULL && state_read(&s, l, &why)) {
        up = find_inside(&s, &address);
        if (up)
            printf("the tunnel is up%s%s\n", address[0] != '\0' ? ", with address " : "",
                   address);
        state_free(&s);
    }
    if (l != NULL)
        vici_close(l);
    return up;
}

static enum cli_exit wait_for_tunnel(const struct places *p, unsigned limit_s)
{
    const struct timespec look = {.tv_nsec = LOOK_MS * 1000000L};
    const uint64_t end = clock_now_ms() + limit_s * UINT64_C(1000);

    while (clock_now_ms() < end) {
        if (is_up(p->run))
            return CLI_OK;
        (void)nanosleep(&look, NULL);
    }
    return cli_fail(
        "the device has its certificate, but the tunnel is not up yet: culvertd goes "
        "on trying, and `culvert log` says why");
}

/* ---- join -------------------------------------------------------------------------------- */

struct asked {
    const char *root;
    bool no_start, now;
    uint64_t timeout_s;
};

static enum cli_exit join(const struct asked *a, const char *text)
{
    struct problem why = {.text = ""};
    enum cli_exit code = CLI_OK;
    struct places p;
    struct bundle b;

    if (!bundle_read(text, &b, &why)) {
        cli_fail("%s", why.text);
        return CLI_USAGE;
    }
    if (!places_below(a->root, &p, &why))
        return cli_fail("%s", why.text);
    printf("joining as %s at %s\n", b.name, b.host);
    if (!device_join(&p, &b, say, &why))
        code = cli_fail("%s", why.text);
    wipe(&b, sizeof(b));
    if (code != CLI_OK || a->no_start)
        return code;
    if (!service_start_culvertd(&p, &why))
        return cli_fail("%s", why.text);
    return wait_for_tunnel(&p, (unsigned)a->timeout_s);
}

/* A code in the list of processes is there for everybody on this host, as long as it is good.
 */
static bool read_line(char line[BUNDLE_TEXT])
{
    if (isatty(STDIN_FILENO))
        fputs("bundle: ", stderr);
    return fgets(line, BUNDLE_TEXT, stdin) != NULL;
}

enum cli_exit cli_join(int argc, char **argv)
{
    struct asked a = {.timeout_s = UP_LIMIT_S};
    const struct arg list[] = {
        {"root",     ARG_TEXT,   &a.root,      "DIR  below which all files are (default /)" },
        {"no-start", ARG_FLAG,   &a.no_start,  "write the files only, do not start culvertd"},
        {"timeout",  ARG_NUMBER, &a.timeout_s,
         "SECONDS  how long to wait for the tunnel (default 30)"                            },
        {NULL,       ARG_FLAG,   NULL,         NULL                                         },
    };
    const struct args args = {
        .usage =
            "usage: culvert join BUNDLE [OPTION...]\n\n"
            "Makes this host a device of a fleet.  BUNDLE is the line that `culvert device "
            "add`\nprinted; - reads it from standard input.  The key is made here and never "
            "leaves.\n\n",
        .list = list,
        .least = 1,
        .most = 1};
    char *words[2], line[BUNDLE_TEXT];
    enum cli_exit code;

    (void)signal(SIGPIPE, SIG_IGN);
    if (!args_read(&args, argc, argv, words, &code))
        return code;
    if (strcmp(words[0], "-") != 0)
        return join(&a, words[0]);
    return read_line(line) ? join(&a, line) : cli_fail("no bundle came");
}

/* ---- renew ------------------------------------------------------------------------------- */

static enum cli_exit renew(const struct asked *a)
{
    struct problem why = {.text = ""};
    struct places p;

    if (!places_below(a->root, &p, &why))
        return cli_fail("%s", why.text);
    switch (device_renew(&p, a->now, say, &why)) {
    case NOT_DUE:
        printf("the certificate is not due yet\n");
        return CLI_OK;
    case RENEWED:
        printf("the certificate is renewed\n");
        fflush(stdout);
        if (!service_reload_culvertd(&p, &why))
            return cli_fail("%s", why.text);
        return CLI_OK;
    default:
        return cli_fail("%s", why.text);
    }
}

enum cli_exit cli_renew(int argc, char **argv)
{
    struct asked a = {.now = false};
    const struct arg list[] = {
        {"now",  ARG_FLAG, &a.now,  "though it is not due yet"                  },
        {"root", ARG_TEXT, &a.root, "DIR  below which all files are (default /)"},
        {NULL,   ARG_FLAG, NULL,    NULL                                        },
    };
    const struct args args = {
        .usage = "usage: culvert renew [OPTION...]\n\n"
                 "Renews this device's certificate when two thirds of its time have passed.\n"
                 "culvertd runs it by itself (culvert.renew).\n\n",
        .list = list};
    enum cli_exit code;
    char *words[1];

    (void)signal(SIGPIPE, SIG_IGN);
    return args_read(&args, argc, argv, words, &code) ? renew(&a) : code;
}
