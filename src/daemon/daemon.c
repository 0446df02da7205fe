/* Owns: the daemon's life: start in an order that can fail cleanly, signals, reload.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "daemon/inside.h"
#include "kit/clock.h"
#include "kit/mem.h"

enum { IPV6_AND_TCP = 60, PATHS_RENEW_S = 300 };

struct event_base *daemon_base(struct daemon *d)
{
    return d->base;
}

const struct cv_crypto *daemon_crypto(const struct daemon *d)
{
    return d->conf.settings.openssl_alone ? &cv_crypto_openssl : cv_crypto_best();
}

struct cv_engine *daemon_engine(struct daemon *d)
{
    return d->engine;
}

struct creds *daemon_creds(struct daemon *d)
{
    return d->creds;
}

struct pools *daemon_pools(struct daemon *d)
{
    return d->pools;
}

void daemon_questions(const struct daemon *d, struct ask_stats *out)
{
    ask_get_stats(d->ask, out);
}

uint64_t daemon_now_ms(const struct daemon *d)
{
    (void)d;
    return clock_now_ms();
}

const struct daemon_settings *daemon_settings(const struct daemon *d)
{
    return &d->conf.settings;
}

uint64_t daemon_started_ms(const struct daemon *d)
{
    return d->started_ms;
}

/* ---- what the parts call back --------------------------------------------- */

static void note_network(void *ctx, const char *text)
{
    daemon_log(ctx, 1, LOG_NET, 0, "%s", text);
}

static void note_kernel(void *ctx, const char *text)
{
    daemon_log(ctx, 0, LOG_KNL, 0, "%s", text);
}

static void note_script(void *ctx, int level, const char *text)
{
    daemon_log(ctx, level, LOG_CHD, 0, "%s", text);
}

static void note_question(void *ctx, int level, uint32_t ike, const char *text)
{
    daemon_log(ctx, level, LOG_IKE, ike, "%s", text);
}

static void on_resolved(void *ctx, const char *name)
{
    (void)name;
    roaming_resolved(ctx);
    wish_resolved(ctx);
}

static void on_pump(void *ctx)
{
    daemon_pump(ctx);
}

static void on_refused(void *ctx, const struct cv_packet *p)
{
    trap_packet(ctx, p);
}

static void on_broken(void *ctx, const char *what)
{
    struct daemon *d = ctx;

    daemon_log(d, 0, LOG_KNL, 0, "%s is gone", what);
    desired_amiss(&d->desired, DESIRED_DEVICE);
}

static void on_alarm(evutil_socket_t fd, short what, void *ctx)
{
    struct daemon *d = ctx;

    (void)what;
    clock_alarm_clear(fd);
    d->alarm_ms = 0; /* the descriptor is disarmed now */
    cv_tick(d->engine, clock_now_ms());
    daemon_pump(d);
}

static void on_retry(evutil_socket_t fd, short what, void *ctx)
{
    (void)fd;
    (void)what;
    wish_retry(ctx);
}

/* In turns, so that a hundred thousand paths do not hold packets up. */
static void on_paths(evutil_socket_t fd, short what, void *ctx)
{
    static const struct timeval turn = {.tv_usec = 20000}, renew = {.tv_sec = PATHS_RENEW_S};
    struct daemon *d = ctx;
    const bool more = daemon_renew_paths(d, &d->path_at);

    (void)fd;
    (void)what;
    if (!more)
        d->path_at = 0;
    (void)event_add(d->paths, more ? &turn : &renew);
}

static void on_release(evutil_socket_t fd, short what, void *ctx)
{
    (void)fd;
    (void)what;
    trap_release(ctx);
}

static void on_signal(evutil_socket_t number, short what, void *ctx)
{
    struct daemon *d = ctx;
    struct problem why;

    (void)what;
    switch (number) {
    case SIGHUP:
        if (!daemon_reload(d, &why))
            daemon_log(d, 0, LOG_CFG, 0, "nothing reloaded: %s", why.text);
        break;
    case SIGCHLD:
        updown_reap(d->updown);
        renewal_reap(d->renewal);
        daemon_pump(d); /* the last script may be what the end waits for */
        break;
    default:
        daemon_stop(d);
        break;
    }
}

/* ---- start ---------------------------------------------------------------- */

/* All errors and warnings of a file; false: with them nothing of it loads, which why says. */
static bool tell_found(struct daemon *d, const struct conf *conf, const char *path, bool ok,
                       struct problem *why)
{
    const struct problems *found = &conf->found;

    for (size_t i = 0; i < found->n; i++)
        daemon_log(d, 0, LOG_CFG, 0, "%s", found->v[i].problem.text);
    if (!ok)
        return problem_set(why, "%s: %u errors, nothing of it is loaded", path, found->errors);
    for (size_t i = 0; i < conf->n_refused; i++)
        daemon_log(d, 0, LOG_CFG, 0,
                   "connection %s is refused for its errors; the others of %s are loaded",
                   conf->refused[i], path);
    return true;
}

/* Without a file the settings are those of an empty one. */
static bool load_conf(struct daemon *d, struct problem *why)
{
    struct conf_source from = d->opt.conf;
    bool ok;

    if (from.path == NULL)
        from.path = "/dev/null";
    ok = conf_load(&d->conf, &from, d->creds, d->pools);
    if (!tell_found(d, &d->conf, from.path, ok, why))
        return false;
    traces_set_levels(d, d->conf.settings.log_levels);
    return true;
}

static bool start_engine(struct daemon *d, struct problem *why)
{
    struct daemon_settings *s = &d->conf.settings;
    enum cv_err err;
    void *p;

    s->engine.limits = s->limits;
    s->engine.tunnel_mss = (uint16_t)(s->tun_mtu - IPV6_AND_TCP);
    s->engine.crypto = daemon_crypto(d);
    s->engine.watch = &d->watch;
    if (!keylog_open(d, s->save_keys, why))
        return false;
    d->engine_size = cv_engine_size(&s->limits);
    p = mmap(NULL, d->engine_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED)
        return problem_set(why, "no memory: the engine needs %zu kB for its tables",
                           d->engine_size / 1024);
    d->engine_memory = p;
    if (cv_limits_fault(&s->limits) != NULL)
        return problem_set(why, "the engine does not start: %s", cv_limits_fault(&s->limits));
    err = cv_engine_init(&d->engine, p, d->engine_size, &s->engine, clock_now_ms());
    if (err != CV_OK)
        return problem_set(why, "the engine does not start: %s", cv_err_text(err));
    d->policies.note = note_kernel;
    d->policies.ctx = d;
    policyset_init(&d->policies, d->engine, s->limits.policies);
    daemon_log(d, 1, LOG_DMN, 0,
               "memory budget: %zu kB of tables for %u IKE SAs, %u Child SAs, %u handshakes "
               "and %u messages of %u octets; packet buffers %zu kB",
               d->engine_size / 1024, s->limits.ike_sas, s->limits.child_sas,
               s->limits.handshakes, s->limits.messages, s->limits.message_size,
               (d->io.batch.memory_size + d->io.pieces.memory_size) / 1024);
    return true;
}

static void keep_lists(struct daemon *d)
{
    char *folder;

    if (!d->conf.settings.cache_crls)
        return;
    folder = conf_list_folder(d->opt.conf.path != NULL ? d->opt.conf.path
                                                       : "/etc/swanctl/swanctl.conf");
    creds_keep_lists(d->creds, folder);
    free(folder);
}

static bool start_asking(struct daemon *d, struct problem *why)
{
    const struct daemon_settings *s = &d->conf.settings;

    keep_lists(d);

    d->ask =
        ask_new(&(struct ask_host){d->engine, on_pump, note_question, d}, s->limits.handshakes);
    ask_secrets_of(d->ask, d->creds);
    ask_addresses_of(d->ask, d->pools);
    d->signer = signer_new(&(struct signer_host){.base = d->base,
                                                 .ask = d->ask,
                                                 .creds = d->creds,
                                                 .unix_s = clock_unix_s,
                                                 .ask_online_ms = s->engine.answer_ms / 3 * 2,
                                                 .pump = on_pump,
                                                 .note = note_question,
                                                 .ctx = d},
                           s->sign_threads, s->sign_queue);
    return d->signer != NULL ||
           problem_set(why, "no descriptor for the threads that make signatures");
}

static bool start_network(struct daemon *d, struct problem *why)
{
    const struct daemon_settings *s = &d->conf.settings;

    d->io.offload = s->offload;
    if (!netio_open(&d->io, s->port, s->port_nat_t, s->tun_name, note_network, d, why))
        return false;
    d->net.install_routes = s->install_routes;
    d->net.install_addresses = s->install_virtual_ip;
    d->net.note = note_kernel;
    d->net.ctx = d;
    steering_guard(d);
    d->shunts = (struct shunts){
        .nl = s->install_routes ? &d->net.nl : NULL,
        .ifindex = d->io.tun.index,
        .policies = &d->policies,
        .guard = &d->guard,
        .ipv6 = netio_has(&d->io, CV_IPV6),
        .note = note_kernel,
        .ctx = d,
    };
    return netconf_open(&d->net, d->io.tun.index, s->tun_mtu, netio_has(&d->io, CV_IPV6),
                        s->limits.child_sas, why);
}

static bool start_events(struct daemon *d, struct problem *why)
{
    static const int numbers[] = {SIGTERM, SIGINT, SIGHUP, SIGCHLD};

    for (unsigned i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        d->signals[i] = evsignal_new(d->base, numbers[i], on_signal, d);
        if (d->signals[i] == NULL || evsignal_add(d->signals[i], NULL) != 0)
            return problem_set(why, "the event loop refuses a signal");
    }
    d->alarm_fd = clock_alarm_open();
    d->alarm_ms = CV_NO_DEADLINE;
    if (d->alarm_fd >= 0)
        d->alarm = event_new(d->base, d->alarm_fd, EV_READ | EV_PERSIST, on_alarm, d);
    if (d->alarm == NULL || event_add(d->alarm, NULL) != 0)
        return problem_set(why, "no timer");
    d->retry = evtimer_new(d->base, on_retry, d);
    d->release = evtimer_new(d->base, on_release, d);
    d->paths = evtimer_new(d->base, on_paths, d);
    d->hosts = hosts_new(d->base, on_resolved, d);
    if (!refusals_start(d) || !roaming_start(d) || d->retry == NULL || d->release == NULL ||
        d->paths == NULL || !stop_prepare(&d->stop, d) || d->hosts == NULL)
        return problem_set(why, "no memory for timers and the resolver");
    on_paths(-1, EV_TIMEOUT, d);
    d->updown = updown_new(d->base, "updown", note_script, d);
    d->io.engine = d->engine;
    d->io.nl = &d->net.nl;
    d->io.now_ms = clock_now_ms;
    d->io.pump = on_pump;
    d->io.refused = on_refused;
    d->io.broken = on_broken;
    d->io.ctx = d;
    return netio_start(&d->io, d->base, why);
}

/* A kernel that cannot is told of, and the tunnels come up all the same. */
static void watch_cleartext(struct daemon *d)
{
    struct problem why;

    if (d->conf.settings.drop_cleartext &&
        !cleartext_start(&d->cleartext, &d->io, d->base, &why))
        daemon_log(d, 0, LOG_KNL, 0, "%s", why.text);
}

/* Hands the file's connections over, all that go. */
static bool add_conns(struct daemon *d, struct conf *conf, struct problem *why)
{
    bool ok = true;

    while (conf->conns != NULL) {
        struct conn *c = conf->conns;
        struct problem one;

        conf->conns = c->next;
        c->next = NULL;
        if (!daemon_add_conn(d, c, &one)) {
            daemon_log(d, 0, LOG_CFG, 0, "%s", one.text);
            *why = one;
            ok = false;
        }
    }
    daemon_pump(d);
    return ok;
}

/* Numbers of IKE SAs begin at 1: no peer's lease can be this one. */
enum { OWN_ADDRESSES = 0 };

static void own_addresses(struct daemon *d)
{
    const struct own_addrs *own = &d->conf.settings.tun_addrs;
    const struct cv_lease lease = {.v4 = own->v4, .v6 = own->v6, .v6_prefix = 128};

    if (own->v4.family != 0 || own->v6.family != 0)
        netconf_add_lease(&d->net, OWN_ADDRESSES, &lease);
}

/* What was known of the time before the power went. */
static void read_clock(const struct daemon *d)
{
    char path[PATH_MAX];

    (void)snprintf(path, sizeof(path), "%s/" CLOCK_FLOOR_FILE, d->opt.state_dir);
    clock_read_floor(path);
}

static bool start(struct daemon *d, struct problem *why)
{
    read_clock(d);
    signal(SIGPIPE, SIG_IGN);
    d->base = event_base_new();
    if (d->base == NULL)
        return problem_set(why, "no event loop");
    d->creds = creds_new();
    d->pools = pools_new();
    if (!load_conf(d, why))
        return false;
    if (!start_network(d, why) || !start_engine(d, why) || !start_asking(d, why) ||
        !start_events(d, why))
        return false;
    watch_cleartext(d);
    steering_start(d);
    dns_start(d);
    own_addresses(d);
    d->renewal = renewal_start(d);
    if (d->conf.settings.registry != NULL && !members_need(d, why))
        return false;
    return add_conns(d, &d->conf, why);
}

static void on_rest(struct daemon *d)
{
    if (d->retired != NULL)
        conns_reap(d);
    if (d->stopping)
        stop_look(d);
}

struct daemon *daemon_new(const struct daemon_options *opt, struct problem *why)
{
    struct daemon *d = mem_new(1, sizeof(*d));

    d->opt = *opt;
    d->pump = (struct pump_host){actions_event, steering_failed, on_rest};
    d->started_ms = clock_now_ms();
    d->alarm_fd = d->net.nl.fd = -1;
    netio_init(&d->io);
    cleartext_init(&d->cleartext);
    steering_init(d);
    log_init(&d->log, 1);
    if (start(d, why))
        return d;
    daemon_free(d);
    return NULL;
}

/* ---- reload --------------------------------------------------------------- */

/* The file may be wrong: a rehearsal into stores of its own leaves ours untouched. */
static bool rehearse(struct daemon *d, struct problem *why)
{
    struct creds *creds = creds_new();
    struct pools *pools = pools_new();
    struct conf conf = {0};
    bool ok = conf_load(&conf, &d->opt.conf, creds, pools);

    ok = tell_found(d, &conf, d->opt.conf.path, ok, why);
    conf_free(&conf);
    pools_free(pools);
    creds_free(creds);
    return ok;
}

static bool from_file(const struct conn *c)
{
    return c->source != NULL && c->source->file != NULL;
}

static bool has_conn(const struct conf *conf, const char *name)
{
    for (const struct conn *c = conf->conns; c != NULL; c = c->next)
        if (strcmp(c->cv.name, name) == 0)
            return true;
    return false;
}

/* Connections that came from the file and are no longer in it.  One that has an error now stays
 * as it was: a slip of the pen is no reason to end a tunnel. */
static void mark_missing(struct daemon *d, const struct conf *conf)
{
    for (struct conn *c = d->conns; c != NULL; c = c->next)
        c->leaving =
            from_file(c) && !has_conn(conf, c->cv.name) && !conf_refused(conf, c->cv.name);
}

static void remove_missing(struct daemon *d)
{
    struct conn *c = d->conns;

    while (c != NULL) {
        struct conn *next = c->next;

        if (c->leaving)
            (void)daemon_remove_conn(d, c->cv.name);
        c = next;
    }
}

bool daemon_reload(struct daemon *d, struct problem *why)
{
    struct conf conf = {0};
    bool ok;

    if (d->opt.conf.path == NULL)
        return problem_set(why, "culvertd was started without a configuration file");
    if (!rehearse(d, why))
        return false;
    creds_clear(d->creds);
    if (!conf_load(&conf, &d->opt.conf, d->creds, d->pools)) {
        *why = *problems_first_error(&conf.found); /* the pools in use differ from none */
        conf_free(&conf);
        return false;
    }
    traces_set_levels(d, conf.settings.log_levels);
    mark_missing(d, &conf);
    ok = add_conns(d, &conf,
                   why); /* first: of one that has another name now, no trap is missing */
    remove_missing(d);
    conf_free(&conf);
    desired_check(&d->desired);
    renewal_look(d->renewal);
    daemon_log(d, 1, LOG_CFG, 0,
               "reloaded %s; ports, TUN device and table sizes stay as they were at the start",
               d->opt.conf.path);
    return ok;
}

/* ---- run and end ---------------------------------------------------------- */

/* Here and not before: by now privileges are dropped, and a thread keeps those it began with.
 */
static void start_threads(struct daemon *d)
{
    hosts_begin(d->hosts);
    members_start(d);
    if (!signer_start(d->signer))
        daemon_log(d, 0, LOG_DMN, 0, "the system does not give us %u threads for signatures",
                   d->conf.settings.sign_threads);
}

int daemon_run(struct daemon *d)
{
    start_threads(d);
    daemon_pump(d);
    if (event_base_dispatch(d->base) < 0)
        return EXIT_FAILURE;
    return d->exit_code;
}

static void free_event(struct event *e)
{
    if (e != NULL)
        event_free(e);
}

void daemon_free(struct daemon *d)
{
    if (d->engine != NULL)
        keep_close(d);
    desired_stop(&d->desired);
    delay_free(d);
    wish_clear(d);
    trap_clear(d);
    renewal_free(d->renewal);
    updown_free(d->updown);
    hosts_free(d->hosts);
    roster_free(d->roster);
    signer_free(d->signer);
    ask_free(d->ask);
    policyset_free(&d->policies);
    if (d->engine != NULL)
        cv_engine_close(d->engine);
    d->engine = NULL;
    shunts_clear(&d->shunts);
    conns_free(d);
    netconf_close(&d->net);
    guard_stop(&d->guard);
    cleartext_stop(&d->cleartext);
    netio_close(&d->io);
    if (d->engine_memory != NULL)
        munmap(d->engine_memory, d->engine_size);
    free_event(d->alarm);
    if (d->alarm_fd >= 0)
        close(d->alarm_fd);
    refusals_stop(d);
    keylog_close(d);
    roaming_stop(d);
    free_event(d->retry);
    free_event(d->release);
    free_event(d->paths);
    stop_free(&d->stop);
    for (unsigned i = 0; i < sizeof(d->signals) / sizeof(d->signals[0]); i++)
        free_event(d->signals[i]);
    conf_free(&d->conf);
    if (d->pools != NULL)
        pools_free(d->pools);
    if (d->creds != NULL)
        creds_free(d->creds);
    if (d->base != NULL)
        event_base_free(d->base);
    free(d);
}
