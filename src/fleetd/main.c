/* culvert-fleetd: options, and the order of start and end.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <culvert/version.h>

#include "config/fleet_conf.h"
#include "enrol/est.h"
#include "fleet/registry_pool.h"
#include "fleetd/own_user.h"
#include "hooks/hooks.h"
#include "http/http.h"
#include "kit/systemd.h"
#include "web/web.h"

static void usage(FILE *out)
{
    fprintf(out, "usage: culvert-fleetd [options]\n"
                 "  -c, --config FILE     configuration (default: " FLEET_CONF_FILE ")\n"
                 "      --check           say what is wrong with the configuration, and end\n"
                 "  -V, --version         print the version\n"
                 "  -h, --help            print this\n");
}

static int fail(const char *text)
{
    fprintf(stderr, "culvert-fleetd: %s\n", text);
    return EXIT_FAILURE;
}

/* ---- one life -------------------------------------------------------------------------- */

struct fleetd {
    struct fleet_conf conf;
    struct event_base *base;
    struct event *signals[3];
    struct registry_pool *pool;
    struct web *web;
    struct est *est; /* NULL: without an authority */
    const struct http_table *tables[3];
    struct http_server *server;
    struct hooks *hooks;
};

static void on_end(evutil_socket_t signal, short what, void *ctx)
{
    struct fleetd *d = ctx;

    (void)signal;
    (void)what;
    systemd_notify("STOPPING=1");
    event_base_loopbreak(d->base);
}

static void on_hangup(evutil_socket_t signal, short what, void *ctx)
{
    struct fleetd *d = ctx;
    struct problem why;

    (void)signal;
    (void)what;
    if (http_server_reload(d->server, &why))
        fprintf(stderr, "culvert-fleetd: certificate and key are read again\n");
    else
        fprintf(stderr, "culvert-fleetd: the old certificate stays: %s\n", why.text);
}

static bool hear_signals(struct fleetd *d, struct problem *why)
{
    static const struct {
        int signal;
        event_callback_fn heard;
    } all[] = {
        {SIGTERM, on_end   },
        {SIGINT,  on_end   },
        {SIGHUP,  on_hangup},
    };

    (void)signal(SIGPIPE, SIG_IGN);
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        d->signals[i] = evsignal_new(d->base, all[i].signal, all[i].heard, d);
        if (d->signals[i] == NULL || event_add(d->signals[i], NULL) != 0)
            return problem_set(why, "cannot hear signals: %s", strerror(errno));
    }
    return true;
}

static void set_http(const struct fleet_conf *c, struct http_settings *s)
{
    http_settings_default(s);
    s->listen = c->listen;
    s->certificate = c->certificate;
    s->key = c->key;
    s->client_ca = c->client_ca;
    s->threads = c->threads;
    s->max_connections = c->max_connections;
    s->per_source = c->connections_per_source;
    s->burst = c->request_burst;
    s->every_ms = 1000 / c->requests_per_second;
}

/* The authority's key is read while privileges last. */
static bool begin_est(struct fleetd *d, struct problem *why)
{
    const struct est_config c = {.ca_certificate = d->conf.ca_certificate,
                                 .ca_key = d->conf.ca_key,
                                 .pool = d->pool,
                                 .inside = d->conf.est_inside,
                                 .lifetime_s = (int64_t)d->conf.certificate_lifetime_s};

    if (c.ca_certificate == NULL)
        return true;
    d->est = est_new(&c, why);
    if (d->est != NULL)
        d->tables[1] = est_table(d->est);
    return d->est != NULL;
}

/* Opens what needs the privileges of the start, then gives them up. */
static bool begin(struct fleetd *d, struct problem *why)
{
    const struct registry_config config = {.uri = d->conf.registry};
    const struct web_settings settings = {.vici = d->conf.vici,
                                          .metrics_open = d->conf.metrics_open};
    struct web_settings s = settings;
    struct http_settings http;

    d->base = event_base_new();
    if (d->base == NULL)
        return problem_set(why, "cannot start the loop: %s", strerror(errno));
    d->pool = registry_pool_new(&config);
    s.pool = d->pool;
    d->web = web_new(&s);
    d->tables[0] = web_table(d->web);
    if (!begin_est(d, why))
        return false;
    set_http(&d->conf, &http);
    d->server = http_server_new(d->base, &http, d->tables, why);
    return d->server != NULL && own_user_become(d->conf.user, why) && hear_signals(d, why);
}

/* A registry that is away may come back; one that can never be used ends the start. */
static bool look_at_registry(struct fleetd *d, struct problem *why)
{
    enum registry_err err;
    struct registry *r = registry_pool_take(d->pool, &err, why);

    if (r != NULL) {
        registry_pool_give(d->pool, r);
        return true;
    }
    if (err != REGISTRY_AWAY)
        return false;
    fprintf(stderr, "culvert-fleetd: for now without a registry: %s\n", why->text);
    return true;
}

/* Without them the fleet goes on, but nobody is told. */
static void start_hooks(struct fleetd *d)
{
    const struct registry_config config = {.uri = d->conf.registry};

    d->hooks = hooks_start(&config);
    if (d->hooks == NULL)
        fprintf(stderr, "culvert-fleetd: no thread for webhooks: they are not told\n");
}

static void end(struct fleetd *d)
{
    hooks_stop(d->hooks);
    if (d->server != NULL)
        http_server_free(d->server);
    est_free(d->est);
    web_free(d->web);
    registry_pool_free(d->pool);
    for (size_t i = 0; i < sizeof(d->signals) / sizeof(d->signals[0]); i++)
        if (d->signals[i] != NULL)
            event_free(d->signals[i]);
    if (d->base != NULL)
        event_base_free(d->base);
}

static int serve(struct fleetd *d)
{
    struct problem why = {.text = ""};
    int code = EXIT_FAILURE;

    if (!begin(d, &why) || !look_at_registry(d, &why) || !http_server_start(d->server, &why)) {
        (void)fail(why.text);
    } else {
        fprintf(stderr, "culvert-fleetd %s ready: %s, registry %s\n", cv_version(),
                d->conf.listen[0], d->conf.registry);
        start_hooks(d);
        systemd_notify("READY=1");
        code = event_base_dispatch(d->base) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
    }
    end(d);
    return code;
}

/* ---- options --------------------------------------------------------------------------- */

struct options {
    const char *conf_path;
    bool check;
};

/* -1: go on; else the exit code. */
static int read_options(struct options *o, int argc, char **argv)
{
    static const struct option known[] = {
        {"config",  required_argument, NULL, 'c'},
        {"check",   no_argument,       NULL, 'k'},
        {"version", no_argument,       NULL, 'V'},
        {"help",    no_argument,       NULL, 'h'},
        {NULL,      0,                 NULL, 0  },
    };
    int id;

    while ((id = getopt_long(argc, argv, "c:Vh", known, NULL)) != -1) {
        if (id == 'h') {
            usage(stdout);
            return EXIT_SUCCESS;
        }
        if (id == 'V') {
            printf("culvert-fleetd %s\n", cv_version());
            return EXIT_SUCCESS;
        }
        if (id == 'c')
            o->conf_path = optarg;
        else if (id == 'k')
            o->check = true;
        else
            return fail("see culvert-fleetd --help");
    }
    return optind == argc ? -1 : fail("unexpected argument; see culvert-fleetd --help");
}

static void say_all(const struct problems *found)
{
    for (size_t i = 0; i < found->n; i++)
        fprintf(stderr, "culvert-fleetd: %s%s\n",
                found->v[i].is_error ? "" : "warning: ", found->v[i].problem.text);
}

int main(int argc, char **argv)
{
    struct options o = {.conf_path = FLEET_CONF_FILE};
    struct problems found = {0};
    struct fleetd d = {.server = NULL};
    int code = read_options(&o, argc, argv);
    bool good;

    if (code >= 0)
        return code;
    good = fleet_conf_load(&d.conf, o.conf_path, &found);
    say_all(&found);
    problems_free(&found);
    if (!good || o.check)
        code = good ? EXIT_SUCCESS : EXIT_FAILURE;
    else
        code = serve(&d);
    fleet_conf_free(&d.conf);
    return code;
}
