/* Owns: what the daemon does when the kernel no longer has what leads packets into the tunnels,
 * and what it has when the daemon goes.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "daemon/inside.h"
#include "kit/clock.h"

static void note_kernel(void *ctx, const char *text)
{
    daemon_log(ctx, 0, LOG_KNL, 0, "%s", text);
}

static bool remake_device(void *ctx, struct problem *why)
{
    struct daemon *d = ctx;
    int err;

    if (!netio_remake_tun(&d->io, d->base))
        return problem_set(why, "cannot make the TUN device %s again: %s", d->io.tun.name,
                           strerror(errno));
    err = netconf_set_device(&d->net, d->io.tun.index);
    if (err != 0)
        return problem_set(why, "cannot set %s up: %s", d->io.tun.name, strerror(err));
    d->shunts.ifindex = d->io.tun.index;
    return true;
}

/* Its rules and the queue are named after the device's index, which may be another one. */
static bool rewrite_tables(void *ctx)
{
    struct daemon *d = ctx;
    struct problem why;

    if (d->cleartext.event == NULL) /* this kernel cannot, or it is not wanted */
        return true;
    cleartext_stop(&d->cleartext);
    if (cleartext_start(&d->cleartext, &d->io, d->base, &why))
        return true;
    daemon_log(d, 0, LOG_KNL, 0, "%s", why.text);
    return false;
}

/* Ends a child as what failed, not as what an operator ended: it is tried again. */
static void take_down(struct daemon *d, const struct cv_child_info *c, const char *why)
{
    daemon_log(d, 0, LOG_CHD, c->ike, "Child SA %s is taken down: %s", c->cfg->name, why);
    actions_again(d, c->conn, c->cfg);
    (void)!cv_terminate_child(d->engine, c->id, false, clock_now_ms());
}

static void take_all_down(void *ctx, enum desired_kind kind, const char *why)
{
    struct daemon *d = ctx;
    struct cv_child_info c;

    if (kind == DESIRED_DEVICE) {
        daemon_log(d, 0, LOG_KNL, 0, "without %s nothing works, ending", d->io.tun.name);
        d->exit_code = 1;
        (void)event_base_loopbreak(d->base);
        return;
    }
    if (kind != DESIRED_RULES && kind != DESIRED_LINK)
        return;
    for (uint32_t at = 0; cv_child_next(d->engine, 0, &at, &c);)
        take_down(d, &c, why);
    daemon_pump(d);
}

static void route_lost(void *ctx, uint64_t owner)
{
    struct daemon *d = ctx;

    if (owner < NETCONF_TRAP)
        steering_failed(d, (uint32_t)owner);
}

void steering_failed(struct daemon *d, uint32_t child)
{
    struct cv_child_info c;

    if (cv_child_info(d->engine, child, &c))
        take_down(d, &c, "its packets would not come to the tunnel");
}

static void other_paths(void *ctx)
{
    roaming_news(ctx);
    wish_paths(ctx);
}

void steering_init(struct daemon *d)
{
    guard_init(&d->guard);
    desired_init(&d->desired);
}

void steering_guard(struct daemon *d)
{
    const struct daemon_settings *s = &d->conf.settings;
    struct problem why;

    d->guard.note = note_kernel;
    d->guard.ctx = d;
    if (s->install_routes &&
        !guard_start(&d->guard, d->io.tun.name, s->tun_name, s->block_on_exit, &why))
        daemon_log(d, 0, LOG_KNL, 0, "%s", why.text);
    if (d->guard.n_kept > 0)
        daemon_log(d, 1, LOG_KNL, 0,
                   "%u networks stay blocked until a tunnel takes them: they were protected "
                   "before",
                   d->guard.n_kept);
    d->net.guard = &d->guard;
    d->net.lost = route_lost;
}

void steering_start(struct daemon *d)
{
    d->desired.net = &d->net;
    d->desired.shunts = &d->shunts;
    d->desired.guard = &d->guard;
    d->desired.inbound = d->io.tun.name;
    d->desired.host = (struct desired_host){remake_device, rewrite_tables, take_all_down,
                                            other_paths,   note_kernel,    d};
    if (!desired_start(&d->desired, d->base))
        daemon_log(d, 0, LOG_KNL, 0,
                   "cannot hear what others change in the kernel's network: %s",
                   strerror(errno));
}

void daemon_offloads(const struct daemon *d,
                     void (*put)(void *ctx, const char *name, uint64_t n), void *ctx)
{
    netio_offloads(&d->io, put, ctx);
}

void daemon_kernel_stats(const struct daemon *d,
                         void (*put)(void *ctx, const char *name, uint64_t n), void *ctx)
{
    const struct desired_stats *s = &d->desired.stats;
    char name[64];

    for (unsigned i = 0; i < DESIRED_KINDS; i++) {
        (void)snprintf(name, sizeof(name), "%s-restored", desired_name(i));
        put(ctx, name, s->restored[i]);
        if (s->failed[i] == 0)
            continue;
        (void)snprintf(name, sizeof(name), "%s-failed", desired_name(i));
        put(ctx, name, s->failed[i]);
    }
    put(ctx, "news", s->news);
    put(ctx, "news-lost", s->lost);
    put(ctx, "routes-compared", s->compared);
    put(ctx, "longest-us", s->longest_us);
}

int daemon_unblock(const char *device)
{
    return guard_unblock(device);
}
