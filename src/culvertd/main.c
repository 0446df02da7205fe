/* culvertd: options, the run directory, and the order of start and end.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <culvert/version.h>

#include "culvertd/privs.h"
#include "culvertd/rundir.h"
#include "daemon/daemon.h"
#include "kit/systemd.h"
#include "vici/vici.h"

static void usage(FILE *out)
{
    fprintf(out, "usage: culvertd [options]\n"
                 "  -c, --config FILE     configuration in swanctl.conf syntax\n"
                 "                        (default: /etc/culvert/culvert.conf, else none)\n"
                 "      --strongswan-conf FILE  settings in strongSwan's words (default: the\n"
                 "                        strongswan.conf beside a swanctl.conf)\n"
                 "      --lenient         load what is right of a file with errors\n"
                 "      --run-dir DIR     sockets and lock (default: /run/culvert)\n"
                 "      --state-dir DIR   what outlives a restart (default: /var/lib/culvert)\n"
                 "      --workers N       packet workers (only 1 in this version)\n"
                 "      --dataplane KIND  auto or user (TUN); xfrm is not in this version\n"
                 "      --unblock DEVICE  let out what a daemon with that TUN device and\n"
                 "                        on_exit = block has left blocked, and end\n"
                 "      --foreground      stay in the foreground (culvertd always does)\n"
                 "  -V, --version         print the version\n"
                 "  -h, --help            print this\n");
}

static int fail(const char *text)
{
    fprintf(stderr, "culvertd: %s\n", text);
    return EXIT_FAILURE;
}

enum option_id {
    OPT_RUN_DIR = 256,
    OPT_STATE_DIR,
    OPT_WORKERS,
    OPT_DATAPLANE,
    OPT_FOREGROUND,
    OPT_UNBLOCK,
    OPT_STRONGSWAN,
    OPT_LENIENT
};

static bool take_option(struct daemon_options *opt, int id, const char *value,
                        struct problem *why)
{
    switch (id) {
    case 'c':
        opt->conf.path = value;
        return true;
    case OPT_STRONGSWAN:
        opt->conf.strongswan = value;
        return true;
    case OPT_LENIENT:
        opt->conf.lenient = true;
        return true;
    case OPT_RUN_DIR:
        opt->run_dir = value;
        return true;
    case OPT_STATE_DIR:
        opt->state_dir = value;
        return true;
    case OPT_WORKERS:
        if (strcmp(value, "1") == 0)
            return true;
        return problem_set(why, "--workers %s: this version runs one worker; use 1", value);
    case OPT_DATAPLANE:
        if (strcmp(value, "auto") == 0 || strcmp(value, "user") == 0)
            return true;
        if (strcmp(value, "xfrm") == 0)
            return problem_set(why, "--dataplane xfrm: this version has the TUN data plane "
                                    "only; use auto or user");
        return problem_set(why, "--dataplane %s: expected auto or user", value);
    case OPT_FOREGROUND:
        return true;
    default:
        return problem_set(why, "see culvertd --help");
    }
}

static int unblock(const char *device)
{
    const int err = daemon_unblock(device);
    struct problem why;

    if (err == 0)
        return EXIT_SUCCESS;
    problem_set(&why, "--unblock %s: %s", device,
                err == ENOENT  ? "nothing is blocked there"
                : err == EPERM ? "a daemon that runs has it, or this is not root"
                               : strerror(err));
    return fail(why.text);
}

/* -1: go on; else the exit code. */
static int read_options(struct daemon_options *opt, int argc, char **argv)
{
    static const struct option known[] = {
        {"config",          required_argument, NULL, 'c'           },
        {"run-dir",         required_argument, NULL, OPT_RUN_DIR   },
        {"state-dir",       required_argument, NULL, OPT_STATE_DIR },
        {"workers",         required_argument, NULL, OPT_WORKERS   },
        {"dataplane",       required_argument, NULL, OPT_DATAPLANE },
        {"foreground",      no_argument,       NULL, OPT_FOREGROUND},
        {"unblock",         required_argument, NULL, OPT_UNBLOCK   },
        {"lenient",         no_argument,       NULL, OPT_LENIENT   },
        {"strongswan-conf", required_argument, NULL, OPT_STRONGSWAN},
        {"version",         no_argument,       NULL, 'V'           },
        {"help",            no_argument,       NULL, 'h'           },
        {NULL,              0,                 NULL, 0             },
    };
    struct problem why;
    int id;

    while ((id = getopt_long(argc, argv, "c:Vh", known, NULL)) != -1) {
        if (id == 'h') {
            usage(stdout);
            return EXIT_SUCCESS;
        }
        if (id == 'V') {
            printf("culvertd %s\n", cv_version());
            return EXIT_SUCCESS;
        }
        if (id == OPT_UNBLOCK)
            return unblock(optarg);
        if (!take_option(opt, id, optarg, &why))
            return fail(why.text);
    }
    if (optind < argc) {
        problem_set(&why, "unexpected argument \"%s\"; see culvertd --help", argv[optind]);
        return fail(why.text);
    }
    return -1;
}

/* Runs with the run directory held. */
static int serve(const struct daemon_options *opt)
{
    struct problem why;
    struct daemon *d = daemon_new(opt, &why);
    const char *const dirs[] = {opt->run_dir, opt->state_dir, NULL};
    struct vici *vici = NULL;
    char path[PATH_MAX];
    int code = EXIT_FAILURE;

    if (d == NULL)
        return fail(why.text);
    (void)rundir_make(opt->state_dir, &why); /* failing, opening the state says so */
    (void)snprintf(path, sizeof(path), "%s/vici.sock", opt->run_dir);
    vici = vici_start(d, path, &why);
    if (vici == NULL || !privs_drop(daemon_settings(d)->user, dirs, &why)) {
        (void)fail(why.text);
    } else {
        daemon_keep(d);
        daemon_log(d, 1, LOG_DMN, 0, "culvertd %s ready: configuration %s, control socket %s",
                   cv_version(), opt->conf.path == NULL ? "(none)" : opt->conf.path, path);
        systemd_notify("READY=1");
        code = daemon_run(d);
        systemd_notify("STOPPING=1");
    }
    if (vici != NULL)
        vici_stop(vici);
    daemon_free(d);
    return code;
}

int main(int argc, char **argv)
{
    struct daemon_options opt = {.run_dir = "/run/culvert", .state_dir = "/var/lib/culvert"};
    struct problem why;
    int code = read_options(&opt, argc, argv), lock;

    if (code >= 0)
        return code;
    if (opt.conf.path == NULL)
        opt.conf.path = conf_default_file(); /* without any, VICI brings the configuration */
    if (!privs_enough())
        return fail("needs root or CAP_NET_ADMIN: it makes a TUN device, routes and sockets "
                    "on ports below 1024");
    lock = rundir_hold(opt.run_dir, &why);
    if (lock < 0)
        return fail(why.text);
    code = serve(&opt);
    rundir_release(lock);
    return code;
}
