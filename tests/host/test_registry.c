/* The registry over a file, and with CULVERT_TEST_REGISTRY over a server: devices, codes,
 * events, tokens, changes, and bad input to each.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "fleet/registry_address.h"
#include "fleet/registry_change.h"
#include "fleet/registry_code.h"
#include "fleet/registry_event.h"
#include "fleet/registry_group.h"
#include "fleet/registry_hook.h"
#include "fleet/registry_token.h"
#include "fleet/sql.h"

static char dir[64], path[160];
static int64_t now_ms = 1800000000000;
static struct registry *reg;

static int64_t clock_of_test(void)
{
    return now_ms;
}

static struct registry *open_one(const char *uri, const char *gateway)
{
    struct registry_config c = {.uri = uri, .gateway = gateway, .now_ms = clock_of_test};
    enum registry_err err;
    struct problem why = {.line = 0};
    struct registry *r = registry_open(&c, &err, &why);

    if (r == NULL)
        print_error("%s: %s\n", registry_err_name(err), why.text);
    return r;
}

static const char *server(void)
{
    return getenv("CULVERT_TEST_REGISTRY");
}

/* Each test finds a server as empty as a file that is not there. */
static void empty_server(void)
{
    enum sql_err err;
    struct problem why;
    struct sql *db;

    snprintf(path, sizeof(path), "%s", server());
    db = sql_open(path, &err, &why);
    if (db == NULL)
        print_error("%s\n", why.text);
    assert_non_null(db);
    assert_int_equal(sql_script(db, "DROP SCHEMA public CASCADE; CREATE SCHEMA public"),
                     SQL_OK);
    sql_close(db);
}

static int make(void **state)
{
    (void)state;
    snprintf(dir, sizeof(dir), "/tmp/culvert-registry-XXXXXX");
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof(path), "%s/fleet.db", dir);
    if (server() != NULL)
        empty_server();
    reg = open_one(path, "gw1");
    assert_non_null(reg);
    return 0;
}

static int drop(void **state)
{
    char command[128];

    (void)state;
    registry_close(reg);
    snprintf(command, sizeof(command), "rm -rf %s", dir);
    return system(command) == 0 ? 0 : -1;
}

/* Prints what went wrong where a call should have been well. */
static void expect(enum registry_err want, enum registry_err got)
{
    if (want != got)
        print_error("%s, not %s: %s\n", registry_err_name(got), registry_err_name(want),
                    registry_why(reg));
    assert_int_equal(want, got);
}

static struct device add_device(const char *name)
{
    struct device d = {.id = 0};

    snprintf(d.name, sizeof(d.name), "%s", name);
    expect(REGISTRY_OK, registry_device_add(reg, &d, 1));
    return d;
}

static void add_many(const char *prefix, unsigned n)
{
    struct device *v = calloc(n, sizeof(*v));

    for (unsigned i = 0; i < n; i++)
        snprintf(v[i].name, sizeof(v[i].name), "%s%05u", prefix, i);
    expect(REGISTRY_OK, registry_device_add(reg, v, n));
    free(v);
}

/* ---- several at one time ------------------------------------------------------- */

static int count_devices(struct registry *r, const char *prefix)
{
    int n = 0;

    for (unsigned i = 0; i < 50; i++) {
        struct device d;
        char name[32];

        snprintf(name, sizeof(name), "%s%05u", prefix, i);
        n += registry_device_get(r, name, &d) == REGISTRY_OK;
    }
    return n;
}

static int add_one(struct registry *r, const char *name)
{
    struct device d = {.id = 0};

    snprintf(d.name, sizeof(d.name), "%s", name);
    return registry_device_add(r, &d, 1) == REGISTRY_OK ? 0 : 1;
}

/* What this program does when it is called as a command: "add NAME", "count PREFIX". */
static int run_command(const char *file, const char *what, const char *text)
{
    struct registry *r = open_one(file, "command");
    int status;

    if (r == NULL)
        return 255;
    status = strcmp(what, "add") == 0 ? add_one(r, text) : count_devices(r, text);
    registry_close(r);
    return status;
}

/* A process of its own opens the file that is there, which a forked one would not. */
static int command(const char *what, const char *text)
{
    int status;
    pid_t child = fork();

    if (child == 0) {
        execl("/proc/self/exe", "test_registry", path, what, text, (char *)NULL);
        _exit(254);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

/* A server has many handles, and commands come and go beside it: none takes the log of changes
 * away while it is in use. */
static void commands_come_and_go_beside_a_server(void **state)
{
    static const char *const prefixes[] = {"b", "c", "d"};
    struct registry *second = open_one(path, "gw2");

    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        assert_non_null(second);
        assert_int_equal(command("add", i == 0 ? "x" : i == 1 ? "y" : "z"), 0);
        add_many(prefixes[i], 50);
        assert_int_equal(command("count", prefixes[i]), 50);
        registry_close(second);
        second = open_one(path, "gw2");
    }
    registry_close(second);
}

/* ---- devices ------------------------------------------------------------------ */

static void a_device_comes_back_as_it_was_added(void **state)
{
    struct device d = {.name = "sensor-17",
                       .hardware = "imei 356938035643809",
                       .tags = "roof  east,roof",
                       .notes = "Zähler im Keller",
                       .address = "10.99.0.17",
                       .address6 = "FD00:0::17"};
    struct device got;

    (void)state;
    expect(REGISTRY_OK, registry_device_add(reg, &d, 1));
    expect(REGISTRY_OK, registry_device_get(reg, "sensor-17", &got));
    assert_int_equal(got.id, d.id);
    assert_string_equal(got.identity, "sensor-17");
    assert_string_equal(got.tags, "east roof");
    assert_string_equal(got.notes, "Zähler im Keller");
    assert_string_equal(got.address6, "fd00::17");
    assert_int_equal(got.state, DEVICE_ACTIVE);
    assert_int_equal(got.created_s, now_ms / 1000);
    assert_int_equal(got.presence.seen_s, 0);
    expect(REGISTRY_OK, registry_device_by_identity(reg, "sensor-17", &got));
    expect(REGISTRY_NONE, registry_device_by_identity(reg, "sensor-18", &got));
    assert_non_null(strstr(registry_why(reg), "sensor-18"));
}

static void devices_are_added_all_or_none(void **state)
{
    struct device v[3] = {
        {.name = "a"},
        {           .name = "b"          },
        { .name = "a",           .identity = "other"}
    };
    struct device got;

    (void)state;
    expect(REGISTRY_EXISTS, registry_device_add(reg, v, 3));
    assert_non_null(strstr(registry_why(reg), "'a'"));
    expect(REGISTRY_NONE, registry_device_get(reg, "b", &got));
    v[2] = (struct device){.name = "c", .address = "10.0.0.1"};
    v[1].address[0] = '\0';
    strcpy(v[0].address, "10.0.0.1");
    expect(REGISTRY_EXISTS, registry_device_add(reg, v, 3));
    expect(REGISTRY_NONE, registry_device_get(reg, "a", &got));
}

static void refuse(struct device d)
{
    expect(REGISTRY_BAD, registry_device_add(reg, &d, 1));
}

static void what_is_no_device_is_refused(void **state)
{
    (void)state;
    refuse((struct device){.name = ""});
    refuse((struct device){.name = "-x"});
    refuse((struct device){.name = "a b"});
    refuse((struct device){.name = "a/b"});
    refuse((struct device){.name = "x", .identity = "a\nb"});
    refuse((struct device){.name = "x", .notes = "\xff"});
    refuse((struct device){.name = "x", .notes = "\xc0\xaf"});
    refuse((struct device){.name = "x", .tags = "a;b"});
    refuse((struct device){.name = "x", .address = "10.0.0"});
    refuse((struct device){.name = "x", .address6 = "10.0.0.1"});
}

static void a_device_is_in_groups_that_exist(void **state)
{
    struct device d = {.name = "x", .profile = "sensor"};
    struct group g = {.name = "sensor", .silent_s = 3600};
    bool made = false;

    (void)state;
    expect(REGISTRY_NONE, registry_device_add(reg, &d, 1));
    assert_non_null(strstr(registry_why(reg), "no profile 'sensor'"));
    expect(REGISTRY_OK, registry_group_put(reg, GROUP_PROFILE, &g, &made));
    assert_true(made);
    expect(REGISTRY_OK, registry_device_add(reg, &d, 1));
    expect(REGISTRY_BAD, registry_group_remove(reg, GROUP_PROFILE, "sensor"));
    strcpy(g.notes, "meters");
    expect(REGISTRY_OK, registry_group_put(reg, GROUP_PROFILE, &g, &made));
    assert_false(made);
    d.profile[0] = '\0';
    expect(REGISTRY_OK, registry_device_set(reg, &d, DEVICE_PROFILE));
    expect(REGISTRY_OK, registry_group_remove(reg, GROUP_PROFILE, "sensor"));
    expect(REGISTRY_NONE, registry_group_get(reg, GROUP_PROFILE, "sensor", &g));
}

static void a_change_writes_only_what_it_names(void **state)
{
    struct device d = add_device("a"), other = add_device("b"), got;

    (void)state;
    strcpy(d.name, "z");
    strcpy(d.notes, "new");
    strcpy(d.address, "10.1.1.1");
    expect(REGISTRY_OK, registry_device_set(reg, &d, DEVICE_NOTES));
    expect(REGISTRY_OK, registry_device_get(reg, "a", &got));
    assert_string_equal(got.notes, "new");
    assert_string_equal(got.address, "");
    strcpy(d.name, "b");
    expect(REGISTRY_EXISTS, registry_device_set(reg, &d, DEVICE_NAME));
    strcpy(d.name, "c");
    expect(REGISTRY_OK, registry_device_set(reg, &d, DEVICE_NAME | DEVICE_ADDRESS));
    expect(REGISTRY_NONE, registry_device_get(reg, "a", &got));
    expect(REGISTRY_OK, registry_device_by_id(reg, d.id, &got));
    assert_string_equal(got.name, "c");
    assert_string_equal(got.identity, "a");
    strcpy(other.address, "10.1.1.1");
    expect(REGISTRY_EXISTS, registry_device_set(reg, &other, DEVICE_ADDRESS));
}

static void revoked_is_for_good(void **state)
{
    struct device d = add_device("a"), got;

    (void)state;
    expect(REGISTRY_BAD, registry_device_remove(reg, "a"));
    d.state = DEVICE_REVOKED;
    expect(REGISTRY_OK, registry_device_set(reg, &d, DEVICE_STATE));
    d.state = DEVICE_ACTIVE;
    expect(REGISTRY_BAD, registry_device_set(reg, &d, DEVICE_STATE));
    expect(REGISTRY_OK, registry_device_remove(reg, "a"));
    expect(REGISTRY_NONE, registry_device_get(reg, "a", &got));
}

/* ---- lists -------------------------------------------------------------------- */

struct found {
    unsigned n;
    char first[64], last[64];
};

static void find(void *ctx, const struct device *d)
{
    struct found *f = ctx;

    if (f->n++ == 0)
        strcpy(f->first, d->name);
    assert_true(strcmp(f->last, d->name) < 0);
    strcpy(f->last, d->name);
}

/* All pages; returns how many there were. */
static unsigned list_all(struct device_page page, struct found *f)
{
    char next[64] = "", after[64];
    unsigned pages = 0;

    memset(f, 0, sizeof(*f));
    do {
        memcpy(after, next, sizeof(after));
        page.after = after;
        expect(REGISTRY_OK, registry_device_list(reg, &page, find, f, next));
        pages++;
    } while (next[0] != '\0');
    return pages;
}

static void pages_hold_every_device_once(void **state)
{
    struct found f;

    (void)state;
    add_many("a-", 250);
    add_many("b-", 51);
    assert_int_equal(list_all((struct device_page){.limit = 50}, &f), 7);
    assert_int_equal(f.n, 301);
    list_all((struct device_page){.filter.prefix = "b-"}, &f);
    assert_int_equal(f.n, 51);
    assert_string_equal(f.first, "b-00000");
    list_all((struct device_page){.filter.prefix = "b-0004"}, &f);
    assert_int_equal(f.n, 10);
    list_all((struct device_page){.filter.contains = "-0004"}, &f);
    assert_int_equal(f.n, 20);
    list_all((struct device_page){.filter.contains = "_0004"}, &f);
    assert_int_equal(f.n, 0);
    list_all((struct device_page){.filter.contains = "%"}, &f);
    assert_int_equal(f.n, 0);
}

static void filters_sift_by_state_tag_and_presence(void **state)
{
    struct device d = add_device("a"), e = add_device("b");
    struct device_seen seen = {
        .device = e.id,
        .now = {.online = true, .endpoint = "198.51.100.7:4500", .seen_s = 100}
    };
    struct device_counts counts;
    struct found f;

    (void)state;
    add_many("c-", 10);
    d.state = DEVICE_SUSPENDED;
    strcpy(d.tags, "roof east");
    expect(REGISTRY_OK, registry_device_set(reg, &d, DEVICE_STATE | DEVICE_TAGS));
    expect(REGISTRY_OK, registry_seen(reg, &seen, 1));
    list_all(
        (struct device_page){
            .filter = {.by_state = true, .state = DEVICE_SUSPENDED}
    },
        &f);
    assert_int_equal(f.n, 1);
    list_all((struct device_page){.filter.tag = "roof"}, &f);
    assert_int_equal(f.n, 1);
    list_all((struct device_page){.filter.tag = "roo"}, &f);
    assert_int_equal(f.n, 0);
    list_all((struct device_page){.filter.online = true}, &f);
    assert_int_equal(f.n, 1);
    assert_string_equal(f.first, "b");
    list_all((struct device_page){.filter.offline = true}, &f);
    assert_int_equal(f.n, 11);
    list_all((struct device_page){.filter.never_seen = true}, &f);
    assert_int_equal(f.n, 11);
    expect(REGISTRY_OK, registry_device_count(reg, NULL, NULL, &counts));
    assert_int_equal(counts.all, 12);
    assert_int_equal(counts.by_state[DEVICE_SUSPENDED], 1);
    assert_int_equal(counts.online, 1);
    assert_int_equal(counts.never_seen, 11);
}

/* A filter that no index knows looks at a window at a time. */
static void a_rare_tag_is_found_behind_many_devices(void **state)
{
    struct device d = {.name = "z", .tags = "rare"};
    struct found f;

    (void)state;
    add_many("m-", server() == NULL ? 45000 : 21000);
    expect(REGISTRY_OK, registry_device_add(reg, &d, 1));
    assert_int_equal(list_all((struct device_page){.filter.tag = "rare"}, &f),
                     server() == NULL ? 3 : 2);
    assert_int_equal(f.n, 1);
}

static void presence_adds_up_and_the_last_gateway_has_it(void **state)
{
    struct device d = add_device("a"), got;
    struct device_seen s = {
        .device = d.id,
        .now = {.online = true, .endpoint = "e1", .since_s = 5, .seen_s = 9, .rx = 10}
    };
    struct registry *other = open_one(path, "gw2");

    (void)state;
    expect(REGISTRY_OK, registry_seen(reg, &s, 1));
    strcpy(s.now.endpoint, "e2");
    s.now.since_s = 20;
    s.now.seen_s = 21;
    assert_int_equal(registry_seen(other, &s, 1), REGISTRY_OK);
    s.now = (struct device_presence){.online = false, .since_s = 30, .seen_s = 15, .rx = 1};
    expect(REGISTRY_OK, registry_seen(reg, &s, 1)); /* gw1 lets go of what gw2 has by now */
    expect(REGISTRY_OK, registry_device_get(reg, "a", &got));
    assert_true(got.presence.online);
    assert_string_equal(got.presence.gateway, "gw2");
    assert_string_equal(got.presence.endpoint, "e2");
    assert_int_equal(got.presence.since_s, 20);
    assert_int_equal(got.presence.seen_s, 21);
    assert_int_equal(got.presence.rx, 21);
    expect(REGISTRY_OK, registry_seen_none(reg));
    expect(REGISTRY_OK, registry_device_get(reg, "a", &got));
    assert_true(got.presence.online);
    assert_int_equal(registry_seen_none(other), REGISTRY_OK);
    expect(REGISTRY_OK, registry_device_get(reg, "a", &got));
    assert_false(got.presence.online);
    registry_close(other);
}

static struct cv_addr_range range4(uint8_t from, uint8_t to)
{
    return (struct cv_addr_range){
        CV_IPV4, {10, 9, 0, from},
         {10, 9, 0, to  }
    };
}

static void everybody_gets_another_address_for_good(void **state)
{
    struct cv_addr_range range = range4(1, 3);
    struct registry *other = open_one(path, "gw2");
    struct device a = add_device("a"), b = add_device("b"), c = {.name = "c"};

    (void)state;
    strcpy(c.address, "10.9.0.2");
    expect(REGISTRY_OK, registry_device_add(reg, &c, 1));
    expect(REGISTRY_OK, registry_address_give(reg, &a, &range));
    assert_string_equal(a.address, "10.9.0.1");
    assert_int_equal(registry_address_give(other, &b, &range), REGISTRY_OK);
    assert_string_equal(b.address, "10.9.0.3");
    a.address[0] = '\0'; /* as a gateway has it that read the device before */
    assert_int_equal(registry_address_give(other, &a, &range), REGISTRY_OK);
    assert_string_equal(a.address, "10.9.0.1");
    a = add_device("d");
    expect(REGISTRY_FULL, registry_address_give(reg, &a, &range));
    assert_non_null(strstr(registry_why(reg), "10.9.0.1"));
    registry_close(other);
}

/* ---- codes -------------------------------------------------------------------- */

static void a_code_is_good_once_for_its_device_until_its_end(void **state)
{
    struct device d = add_device("a"), got;
    char code[CODE_TEXT];
    struct code_try t = {.code = code, .device = "a", .from = "192.0.2.1"};

    (void)state;
    add_device("b");
    expect(REGISTRY_OK, registry_code_make(reg, d.id, now_ms / 1000 + 60, code));
    expect(REGISTRY_OK, registry_code_look(reg, &t, &got));
    assert_int_equal(got.id, d.id);
    t.device = "b";
    expect(REGISTRY_OTHER, registry_code_use(reg, &t, &got));
    t.device = "";
    expect(REGISTRY_OK, registry_code_use(reg, &t, &got));
    expect(REGISTRY_USED, registry_code_use(reg, &t, &got));
    expect(REGISTRY_USED, registry_code_look(reg, &t, &got));
    expect(REGISTRY_OK, registry_code_make(reg, d.id, now_ms / 1000 + 60, code));
    now_ms += 60000;
    expect(REGISTRY_EXPIRED, registry_code_use(reg, &t, &got));
}

/* An answer that was lost can be asked for again, by who has the key of the first time. */
static void a_used_code_is_good_again_for_the_same_key(void **state)
{
    struct device d = add_device("a");
    char code[CODE_TEXT];
    struct code_try t = {.code = code, .device = "a", .from = "192.0.2.1", .key = "KEY1"};

    (void)state;
    expect(REGISTRY_OK, registry_code_make(reg, d.id, now_ms / 1000 + 60, code));
    expect(REGISTRY_OK, registry_code_use(reg, &t, &d));
    expect(REGISTRY_OK, registry_code_look(reg, &t, &d));
    expect(REGISTRY_OK, registry_code_use(reg, &t, &d));
    t.key = "KEY2";
    expect(REGISTRY_USED, registry_code_look(reg, &t, &d));
    expect(REGISTRY_USED, registry_code_use(reg, &t, &d));
    t.key = NULL;
    expect(REGISTRY_USED, registry_code_use(reg, &t, &d));
    t.key = "KEY1";
    now_ms += 61000;
    expect(REGISTRY_EXPIRED, registry_code_use(reg, &t, &d));
}

static void a_new_code_replaces_the_one_before(void **state)
{
    struct device d = add_device("a"), got;
    char first[CODE_TEXT], second[CODE_TEXT];
    struct code_try t = {.code = first, .from = "192.0.2.1"};

    (void)state;
    expect(REGISTRY_OK, registry_code_make(reg, d.id, now_ms / 1000 + 60, first));
    expect(REGISTRY_OK, registry_code_make(reg, d.id, now_ms / 1000 + 60, second));
    assert_string_not_equal(first, second);
    expect(REGISTRY_WRONG, registry_code_use(reg, &t, &got));
}

static enum registry_err use_and_fail(struct registry *r, void *ctx)
{
    struct device got;
    const enum registry_err err = registry_code_use(r, ctx, &got);

    return err == REGISTRY_OK ? REGISTRY_FAILED : err;
}

/* Enrolment that fails later leaves the code as it was; a wrong code is counted all the same.
 */
static void a_code_is_used_up_by_what_succeeds(void **state)
{
    struct device d = add_device("a"), got;
    char code[CODE_TEXT];
    struct code_try t = {.code = code, .from = "192.0.2.1"};
    int64_t wrong;

    (void)state;
    expect(REGISTRY_OK, registry_code_make(reg, d.id, now_ms / 1000 + 60, code));
    expect(REGISTRY_FAILED, registry_together(reg, use_and_fail, &t));
    expect(REGISTRY_OK, registry_code_use(reg, &t, &got));
    t.code = "nonsense";
    expect(REGISTRY_WRONG, registry_together(reg, use_and_fail, &t));
    expect(REGISTRY_OK, registry_code_wrong_ones(reg, &wrong));
    assert_int_equal(wrong, 1);
}

static void count_alarm(void *ctx, const struct fleet_event *e)
{
    if (e->severity == EVENT_ALARM && strcmp(e->kind, "wrong-codes") == 0)
        ++*(unsigned *)ctx;
}

static void a_hundred_thousand_wrong_codes_slow_down_their_source_alone(void **state)
{
    struct device d = add_device("a"), got;
    char code[CODE_TEXT];
    struct code_try bad = {.code = "nonsense", .from = "192.0.2.66"};
    struct code_try good = {.code = code, .from = "192.0.2.66"};
    struct code_try other = {.code = "nonsense", .from = "192.0.2.7"};
    struct event_page page = {.limit = 1000};
    const unsigned many = server() == NULL ? 100000 : 2000; /* each is a round trip there */
    unsigned slow = 0, alarms = 0;
    int64_t next;

    (void)state;
    expect(REGISTRY_OK, registry_code_make(reg, d.id, now_ms / 1000 + 6000, code));
    for (unsigned i = 0; i < many; i++) {
        const enum registry_err err = registry_code_look(reg, &bad, &got);

        slow += err == REGISTRY_SLOW;
        assert_true(err == REGISTRY_SLOW || err == REGISTRY_WRONG);
        now_ms += 10;
    }
    assert_true(slow > many - 100);
    assert_in_range(registry_code_wait_s(reg), 1, 60);
    expect(REGISTRY_WRONG, registry_code_look(reg, &other, &got));
    expect(REGISTRY_OK, registry_code_use(reg, &good, &got));
    expect(REGISTRY_OK, registry_event_list(reg, &page, count_alarm, &alarms, &next));
    assert_int_equal(alarms, 1);
}

/* ---- events and changes ------------------------------------------------------- */

struct told {
    char text[4096];
    int64_t last;
};

static void tell_event(void *ctx, const struct fleet_event *e)
{
    struct told *t = ctx;
    const size_t n = strlen(t->text);

    snprintf(t->text + n, sizeof(t->text) - n, "%s:%s ", e->name, e->kind);
    t->last = e->seq;
}

static void put_event(int64_t device, const char *kind, enum event_severity severity)
{
    struct fleet_event e = {.device = device, .severity = severity};

    strcpy(e.kind, kind);
    strcpy(e.text, "what \x1b[31mhappened\n");
    expect(REGISTRY_OK, registry_event_add(reg, &e, 1));
    assert_string_equal(e.text, "what ?[31mhappened?");
    now_ms += 1000;
}

static void events_are_listed_by_device_severity_and_time(void **state)
{
    struct device a = add_device("a"), b = add_device("b");
    struct event_page page = {.newest_first = true};
    const int64_t from = now_ms;
    struct told t = {.last = 0};
    int64_t next;

    (void)state;
    put_event(a.id, "up", EVENT_INFO);
    put_event(b.id, "up", EVENT_INFO);
    put_event(a.id, "tamper", EVENT_ALARM);
    put_event(a.id, "down", EVENT_NOTICE);
    put_event(0, "started", EVENT_INFO);
    expect(REGISTRY_OK, registry_event_list(reg, &page, tell_event, &t, &next));
    assert_string_equal(t.text, ":started a:down a:tamper b:up a:up ");
    t.text[0] = '\0';
    page = (struct event_page){.filter.device = a.id, .limit = 2};
    expect(REGISTRY_OK, registry_event_list(reg, &page, tell_event, &t, &next));
    page.after = next;
    expect(REGISTRY_OK, registry_event_list(reg, &page, tell_event, &t, &next));
    assert_string_equal(t.text, "a:up a:tamper a:down ");
    assert_int_equal(next, 0);
    t.text[0] = '\0';
    page = (struct event_page){
        .filter = {.least = EVENT_NOTICE, .from_ms = from + 2000, .to_ms = from + 3000}
    };
    expect(REGISTRY_OK, registry_event_list(reg, &page, tell_event, &t, &next));
    assert_string_equal(t.text, "a:tamper ");
    expect(REGISTRY_OK, registry_event_trim(reg, 2));
    t.text[0] = '\0';
    expect(REGISTRY_OK,
           registry_event_list(reg, &(struct event_page){.limit = 0}, tell_event, &t, &next));
    assert_string_equal(t.text, "a:down :started ");
}

static void tell_change(void *ctx, const struct change *c)
{
    struct told *t = ctx;
    const size_t n = strlen(t->text);

    snprintf(t->text + n, sizeof(t->text) - n, "%s:%s ", c->name, c->what);
    t->last = c->seq;
}

static void changes_are_numbered_without_a_gap(void **state)
{
    struct registry *other = open_one(path, "gw2");
    struct device d, copy;
    struct told t = {.last = 0};
    int64_t newest;

    (void)state;
    d = add_device("a");
    copy = d;
    d.state = DEVICE_SUSPENDED;
    assert_int_equal(registry_device_set(other, &d, DEVICE_STATE), REGISTRY_OK);
    strcpy(copy.name, "b");
    expect(REGISTRY_OK, registry_device_set(reg, &copy, DEVICE_NAME));
    expect(REGISTRY_EXISTS, registry_device_add(reg, &copy, 1)); /* takes no number */
    expect(REGISTRY_OK, registry_change_list(reg, 0, 100, tell_change, &t));
    assert_string_equal(t.text, "a:added a:state b:name ");
    expect(REGISTRY_OK, registry_change_newest(reg, &newest));
    assert_int_equal(newest, t.last);
    expect(REGISTRY_OK, registry_change_list(reg, newest, 100, tell_change, &t));
    now_ms += 2 * 86400 * 1000;
    expect(REGISTRY_OK, registry_change_trim(reg));
    expect(REGISTRY_NONE, registry_change_list(reg, 0, 100, tell_change, &t));
    add_device("c");
    t.text[0] = '\0';
    expect(REGISTRY_OK, registry_change_list(reg, newest, 100, tell_change, &t));
    assert_string_equal(t.text, "c:added ");
    registry_close(other);
}

/* ---- tokens, settings, secrets, hooks ----------------------------------------- */

static void a_link_logs_in_once(void **state)
{
    struct token t = {.kind = TOKEN_LINK, .name = "root", .ends_s = now_ms / 1000 + 300}, got;
    char secret[TOKEN_TEXT];

    (void)state;
    expect(REGISTRY_OK, registry_token_make(reg, &t, secret));
    assert_int_equal(strlen(secret), TOKEN_TEXT - 1);
    expect(REGISTRY_WRONG, registry_token_check(reg, TOKEN_API, secret, &got));
    expect(REGISTRY_OK, registry_token_check(reg, TOKEN_LINK, secret, &got));
    expect(REGISTRY_USED, registry_token_check(reg, TOKEN_LINK, secret, &got));
    expect(REGISTRY_OK, registry_token_make(reg, &t, secret));
    now_ms += 300000;
    expect(REGISTRY_EXPIRED, registry_token_check(reg, TOKEN_LINK, secret, &got));
}

static void an_api_token_is_good_until_it_is_removed(void **state)
{
    struct token t = {.kind = TOKEN_API, .name = "grafana", .scopes = "metrics devices:read"};
    struct token got, same = t;
    char secret[TOKEN_TEXT];

    (void)state;
    expect(REGISTRY_OK, registry_token_make(reg, &t, secret));
    expect(REGISTRY_EXISTS, registry_token_make(reg, &same, secret + 0));
    expect(REGISTRY_WRONG, registry_token_check(reg, TOKEN_API, secret, &got));
    strcpy(same.name, "other");
    expect(REGISTRY_OK, registry_token_make(reg, &same, secret));
    for (unsigned i = 0; i < 3; i++)
        expect(REGISTRY_OK, registry_token_check(reg, TOKEN_API, secret, &got));
    assert_string_equal(got.scopes, "metrics devices:read");
    expect(REGISTRY_OK, registry_token_remove(reg, same.id));
    expect(REGISTRY_WRONG, registry_token_check(reg, TOKEN_API, secret, &got));
    expect(REGISTRY_NONE, registry_token_remove(reg, same.id));
}

static void settings_secrets_and_numbers_stay(void **state)
{
    struct device d = add_device("a");
    char out[64];
    int64_t n;

    (void)state;
    expect(REGISTRY_NONE, registry_setting_get(reg, "fleet", out, sizeof(out)));
    expect(REGISTRY_OK, registry_setting_put(reg, "fleet", "one"));
    expect(REGISTRY_OK, registry_setting_put(reg, "fleet", "two"));
    expect(REGISTRY_OK, registry_number(reg, "serial", &n));
    assert_int_equal(n, 1);
    expect(REGISTRY_NONE, registry_secret_get(reg, d.id, out, sizeof(out)));
    expect(REGISTRY_OK, registry_secret_put(reg, d.id, "s3cret"));
    registry_close(reg);
    reg = open_one(path, "gw1");
    expect(REGISTRY_OK, registry_setting_get(reg, "fleet", out, sizeof(out)));
    assert_string_equal(out, "two");
    expect(REGISTRY_OK, registry_number(reg, "serial", &n));
    assert_int_equal(n, 2);
    expect(REGISTRY_OK, registry_secret_get(reg, d.id, out, sizeof(out)));
    assert_string_equal(out, "s3cret");
}

static void tell_certificate(void *ctx, const struct certificate *c)
{
    struct told *t = ctx;

    strcat(t->text, c->serial);
}

static void revoked_certificates_are_listed_until_they_end(void **state)
{
    struct device d = add_device("a");
    struct certificate c = {.serial = "0a", .device = d.id, .ends_s = now_ms / 1000 + 100}, got;
    struct told t = {.last = 0};

    (void)state;
    expect(REGISTRY_OK, registry_certificate_add(reg, &c));
    strcpy(c.serial, "0b");
    c.ends_s += 100;
    expect(REGISTRY_OK, registry_certificate_add(reg, &c));
    expect(REGISTRY_OK, registry_certificate_revoke(reg, d.id));
    expect(REGISTRY_OK, registry_certificate_get(reg, "0b", &got));
    assert_int_equal(got.revoked_s, now_ms / 1000);
    now_ms += 100000;
    expect(REGISTRY_OK, registry_certificate_revoked(reg, "", 10, tell_certificate, &t));
    assert_string_equal(t.text, "0b");
}

static void tell_hook(void *ctx, const struct hook *h)
{
    *(struct hook *)ctx = *h;
}

static void one_process_tells_a_hook(void **state)
{
    struct registry *other = open_one(path, "gw2");
    struct hook h = {.name = "ops", .url = "https://example.net/x"}, got;

    (void)state;
    put_event(0, "started", EVENT_INFO);
    expect(REGISTRY_OK, registry_hook_add(reg, &h));
    assert_int_equal(h.at, 1);
    assert_int_equal(strlen(h.secret), 52);
    expect(REGISTRY_OK, registry_hook_claim(reg, h.id, 1000));
    expect(REGISTRY_OK, registry_hook_claim(reg, h.id, 1000));
    assert_int_equal(registry_hook_claim(other, h.id, 1000), REGISTRY_NONE);
    now_ms += 1001;
    assert_int_equal(registry_hook_claim(other, h.id, 1000), REGISTRY_OK);
    h.at = 5;
    h.tries = 2;
    strcpy(h.last, "500");
    expect(REGISTRY_OK, registry_hook_told(reg, &h));
    expect(REGISTRY_OK, registry_hook_list(reg, tell_hook, &got));
    assert_int_equal(got.at, 5);
    assert_int_equal(got.tries, 2);
    assert_string_equal(got.url, h.url);
    expect(REGISTRY_OK, registry_hook_remove(reg, "ops"));
    expect(REGISTRY_NONE, registry_hook_remove(reg, "ops"));
    strcpy(h.url, "file:///etc/passwd");
    expect(REGISTRY_BAD, registry_hook_add(reg, &h));
    registry_close(other);
}

#define T(f) cmocka_unit_test_setup_teardown(f, make, drop)

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        T(commands_come_and_go_beside_a_server),
        T(a_device_comes_back_as_it_was_added),
        T(devices_are_added_all_or_none),
        T(what_is_no_device_is_refused),
        T(a_device_is_in_groups_that_exist),
        T(a_change_writes_only_what_it_names),
        T(revoked_is_for_good),
        T(pages_hold_every_device_once),
        T(filters_sift_by_state_tag_and_presence),
        T(a_rare_tag_is_found_behind_many_devices),
        T(presence_adds_up_and_the_last_gateway_has_it),
        T(everybody_gets_another_address_for_good),
        T(a_code_is_good_once_for_its_device_until_its_end),
        T(a_used_code_is_good_again_for_the_same_key),
        T(a_new_code_replaces_the_one_before),
        T(a_code_is_used_up_by_what_succeeds),
        T(a_hundred_thousand_wrong_codes_slow_down_their_source_alone),
        T(events_are_listed_by_device_severity_and_time),
        T(changes_are_numbered_without_a_gap),
        T(a_link_logs_in_once),
        T(an_api_token_is_good_until_it_is_removed),
        T(settings_secrets_and_numbers_stay),
        T(revoked_certificates_are_listed_until_they_end),
        T(one_process_tells_a_hook),
    };

    if (argc == 4)
        return run_command(argv[1], argv[2], argv[3]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
