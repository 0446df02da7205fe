/* The daemon about itself: version, statistics, algorithms, counters.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <malloc.h>
#include <stdio.h>
#include <sys/utsname.h>
#include <time.h>

#include <culvert/version.h>

#include "text/text.h"
#include "vici/inside.h"

void vici_cmd_version(struct vici_client *c, const struct node *req)
{
    struct node *message = tree_new();
    struct utsname os;

    (void)req;
    tree_add_value(message, "daemon", "culvertd");
    tree_add_value(message, "version", cv_version());
    if (uname(&os) == 0) {
        tree_add_value(message, "sysname", os.sysname);
        tree_add_value(message, "release", os.release);
        tree_add_value(message, "machine", os.machine);
    }
    vici_answer(c, message);
}

static void put_number(struct node *s, const char *name, uint64_t n)
{
    tree_add_valuef(s, name, "%" PRIu64, n);
}

/* ---- stats ------------------------------------------------------------------ */

/* As charon says it: the largest unit of which there are at least two. */
static void put_running(struct node *s, uint64_t seconds)
{
    static const struct {
        uint64_t seconds;
        const char *name;
    } units[] = {
        {86400, "day"   },
        {3600,  "hour"  },
        {60,    "minute"},
        {1,     "second"}
    };
    unsigned i = 0;
    uint64_t n;

    while (i < 3 && seconds < 2 * units[i].seconds)
        i++;
    n = seconds / units[i].seconds;
    tree_add_valuef(s, "running", "%" PRIu64 " %s%s", n, units[i].name, n == 1 ? "" : "s");
}

static void put_uptime(struct node *message, const struct daemon *d)
{
    struct node *s = tree_add_section(message, "uptime");
    uint64_t seconds = (daemon_now_ms(d) - daemon_started_ms(d)) / 1000;
    time_t started = time(NULL) - (time_t)seconds;
    struct tm at;
    char text[64];

    put_running(s, seconds);
    if (localtime_r(&started, &at) != NULL &&
        strftime(text, sizeof(text), "%b %d %H:%M:%S %Y", &at) > 0)
        tree_add_value(s, "since", text);
}

/* One loop does nearly everything: the numbers of threads and queued jobs are for clients that
 * expect them; what waits for the others is in put_questions. */
static void put_workers(struct node *message)
{
    static const char *const priorities[] = {"critical", "high", "medium", "low"};
    struct node *workers = tree_add_section(message, "workers");
    struct node *active, *queues;

    tree_add_value(workers, "total", "1");
    tree_add_value(workers, "idle", "0");
    active = tree_add_section(workers, "active");
    queues = tree_add_section(message, "queues");
    for (unsigned i = 0; i < 4; i++) {
        tree_add_value(active, priorities[i], i == 0 ? "1" : "0");
        tree_add_value(queues, priorities[i], "0");
    }
    tree_add_value(message, "scheduled", "0");
}

static void put_memory(struct node *message)
{
    struct node *s = tree_add_section(message, "mallinfo");
    struct mallinfo2 m = mallinfo2();

    put_number(s, "sbrk", m.arena);
    put_number(s, "mmap", m.hblkhd);
    put_number(s, "used", m.uordblks);
    put_number(s, "free", m.fordblks);
}

/* Ours: traffic, and every reason for dropping or failing that has occurred. */
static void put_traffic(struct node *message, const struct cv_stats *stats)
{
    struct node *s = tree_add_section(message, "traffic");

    put_number(s, "packets-in", stats->packets_in);
    put_number(s, "bytes-in", stats->bytes_in);
    put_number(s, "packets-out", stats->packets_out);
    put_number(s, "bytes-out", stats->bytes_out);
    s = tree_add_section(message, "errors");
    for (unsigned i = 1; i < CV_ERR_COUNT; i++)
        if (stats->errors[i] != 0)
            put_number(s, cv_err_name((enum cv_err)i), stats->errors[i]);
}

/* Ours: how often each limit was met. */
static void put_limits(struct node *message, struct daemon *d)
{
    struct node *s = tree_add_section(message, "limits");

    for (unsigned i = 0; i < CV_LIMIT_COUNT; i++) {
        struct cv_limit_met met;

        cv_get_limit(daemon_engine(d), (enum cv_limit)i, &met);
        if (met.times != 0)
            put_number(s, cv_limit_name((enum cv_limit)i), met.times);
    }
}

/* Ours: what the engine asks about credentials and addresses. */
static void put_questions(struct node *message, const struct daemon *d)
{
    struct node *s = tree_add_section(message, "questions");
    struct ask_stats stats;

    daemon_questions(d, &stats);
    put_number(s, "open", stats.open);
    put_number(s, "asked", stats.filed);
    put_number(s, "answered", stats.answered);
    put_number(s, "refused", stats.refused);
    put_number(s, "overdue", stats.overdue);
    put_number(s, "gone", stats.gone);
    put_number(s, "late", stats.late);
}

/* Ours: totals over all lives, from the state directory. */
static void put_lifetime(struct node *message, const struct daemon *d)
{
    struct node *s = tree_add_section(message, "lifetime");
    uint64_t totals[DAEMON_LIFETIME_COUNT];

    daemon_lifetime(d, totals);
    for (unsigned i = 0; i < DAEMON_LIFETIME_COUNT; i++)
        put_number(s, daemon_lifetime_name(i), totals[i]);
}

/* Ours: what others have changed in the kernel's network, and what became of it. */
static void put_counter(void *ctx, const char *name, uint64_t n)
{
    put_number(ctx, name, n);
}

void vici_cmd_stats(struct vici_client *c, const struct node *req)
{
    const struct cv_crypto *crypto = daemon_crypto(c->v->d);
    struct node *message = tree_new(), *s;
    struct cv_stats stats;

    (void)req;
    cv_get_stats(daemon_engine(c->v->d), &stats);
    put_uptime(message, c->v->d);
    put_workers(message);
    s = tree_add_section(message, "ikesas");
    put_number(s, "total", stats.ike_sas);
    put_number(s, "half-open", stats.half_open);
    s = tree_add_list(message, "plugins");
    tree_add_item(s, "culvertd");
    tree_add_item(s, crypto->name);
    if (crypto != &cv_crypto_openssl)
        tree_add_item(s, cv_crypto_openssl.name);
    put_memory(message);
    put_traffic(message, &stats);
    put_limits(message, c->v->d);
    put_questions(message, c->v->d);
    put_lifetime(message, c->v->d);
    daemon_offloads(c->v->d, put_counter, tree_add_section(message, "offloads"));
    daemon_kernel_stats(c->v->d, put_counter, tree_add_section(message, "kernel"));
    vici_answer(c, message);
}

void vici_cmd_reload(struct vici_client *c, const struct node *req)
{
    struct problem why = {0};
    bool good;

    (void)req;
    creds_set_origin(daemon_creds(c->v->d), CREDS_FILE);
    good = daemon_reload(c->v->d, &why);
    creds_set_origin(daemon_creds(c->v->d), CREDS_CLIENT);
    if (good)
        vici_answer_ok(c);
    else
        vici_answer_error(c, "%s", why.text);
}

/* ---- algorithms --------------------------------------------------------------- */

/* An algorithm with several key sizes is in the tables once for each. */
static void put_algorithm(struct node *s, const char *name, const char *backend)
{
    if (tree_find(s, name) == NULL)
        tree_add_value(s, name, backend);
}

/* A faster backend has AEADs of its own in front of OpenSSL's. */
static const char *backend_of(const struct cv_crypto *crypto, const struct cv_aead *aead)
{
    const struct cv_aead *const *a = cv_crypto_openssl.aeads;

    while (*a != NULL && *a != aead)
        a++;
    return *a != NULL ? cv_crypto_openssl.name : crypto->name;
}

static const char *hash_name(uint16_t id)
{
    switch (id) {
    case CV_HASH_SHA1:
        return "HASH_SHA1";
    case CV_HASH_SHA2_256:
        return "HASH_SHA2_256";
    case CV_HASH_SHA2_384:
        return "HASH_SHA2_384";
    case CV_HASH_SHA2_512:
        return "HASH_SHA2_512";
    default:
        return "UNKNOWN";
    }
}

void vici_cmd_get_algorithms(struct vici_client *c, const struct node *req)
{
    const struct cv_crypto *crypto = daemon_crypto(c->v->d);
    const char *openssl = cv_crypto_openssl.name;
    struct node *message = tree_new(), *s;

    (void)req;
    s = tree_add_section(message, "encryption");
    for (unsigned i = 0; crypto->ciphers[i] != NULL; i++)
        put_algorithm(s, name_encr(crypto->ciphers[i]->id), openssl);
    s = tree_add_section(message, "integrity");
    for (unsigned i = 0; crypto->integs[i] != NULL; i++)
        put_algorithm(s, name_integ(crypto->integs[i]->id), openssl);
    s = tree_add_section(message, "aead");
    for (unsigned i = 0; crypto->aeads[i] != NULL; i++)
        put_algorithm(s, name_encr(crypto->aeads[i]->id), backend_of(crypto, crypto->aeads[i]));
    s = tree_add_section(message, "hasher");
    for (unsigned i = 0; crypto->hashes[i] != NULL; i++)
        put_algorithm(s, hash_name(crypto->hashes[i]->id), openssl);
    s = tree_add_section(message, "prf");
    for (unsigned i = 0; crypto->prfs[i] != NULL; i++)
        put_algorithm(s, name_prf(crypto->prfs[i]->id), openssl);
    s = tree_add_section(message, "dh");
    for (unsigned i = 0; crypto->kes[i] != NULL; i++)
        put_algorithm(s, name_ke(crypto->kes[i]->id), openssl);
    vici_answer(c, message);
}
