/* Owns how sections are checked against their tables, and how values of each kind are read.
 *
 * An empty value ("key =") means that the key was not given: that is how a section undoes a
 * value it would inherit.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "config/conf_read.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "kit/suggest.h"

bool conf_error(struct conf_reader *r)
{
    return problems_error(r->found, r->why);
}

void conf_warning(struct conf_reader *r)
{
    problems_warning(r->found, r->why);
}

/* ---- tables ----------------------------------------------------------------- */

bool conf_fits(const char *pattern, const char *name)
{
    size_t n = strlen(pattern);

    if (strcmp(pattern, "#") == 0)
        return name[0] != '\0' && name[strspn(name, "0123456789")] == '\0';
    if (n > 0 && pattern[n - 1] == '*')
        return strncmp(pattern, name, n - 1) == 0;
    return strcmp(pattern, name) == 0;
}

static const struct conf_key *find_key(const struct conf_table *t, const char *name)
{
    for (size_t i = 0; i < t->n_keys; i++)
        if (conf_fits(t->keys[i].name, name))
            return &t->keys[i];
    return NULL;
}

static bool has_section(const struct conf_table *t, const char *name)
{
    for (size_t i = 0; t->sections != NULL && t->sections[i] != NULL; i++)
        if (conf_fits(t->sections[i], name))
            return true;
    return false;
}

static bool unknown_key(struct conf_reader *r, const struct node *n, const struct conf_table *t)
{
    struct suggest near = suggest_init(n->name);
    char hint[80];

    for (size_t i = 0; i < t->n_keys; i++)
        if (t->keys[i].take != take_foreign && strpbrk(t->keys[i].name, "*#") == NULL)
            suggest_try(&near, t->keys[i].name);
    suggest_hint(&near, hint, sizeof(hint));
    for (const struct conf_elsewhere *e = t->elsewhere; e != NULL && e->table != NULL; e++)
        if (find_key(e->table, n->name) != NULL)
            return problem_at(r->why, n, "'%s' belongs into %s", n->name, e->where);
    /* "remote_adrs" fits the sections "remote*" too, but is a misspelt key first of all. */
    if (hint[0] == '\0' && has_section(t, n->name))
        return problem_at(r->why, n, "expected a section: '%s { }'", n->name);
    return problem_at(r->why, n, "unknown key '%s'%s", n->name, hint);
}

static bool unknown_section(struct conf_reader *r, const struct node *n,
                            const struct conf_table *t)
{
    const struct conf_key *key = find_key(t, n->name);
    struct suggest near = suggest_init(n->name);
    char hint[80];

    if (key != NULL && key->take == take_foreign)
        return problem_unsupported(r->why, n, "section '%s' of strongSwan is not supported",
                                   n->name);
    if (key != NULL)
        return problem_at(r->why, n, "expected a value: '%s = ...'", n->name);
    for (size_t i = 0; t->sections != NULL && t->sections[i] != NULL; i++)
        if (strchr(t->sections[i], '*') == NULL)
            suggest_try(&near, t->sections[i]);
    return problem_at(r->why, n, "unknown section '%s'%s", n->name,
                      suggest_hint(&near, hint, sizeof(hint)));
}

static bool is_empty(const struct node *n)
{
    return n->kind == NODE_LIST ? n->first == NULL : n->value_len == 0;
}

/* Over VICI these keys, and numbers, have lists, all others values; strongSwan's own clients
 * know that, and its daemon refuses anything else. */
static bool is_list_of_vici(const char *name)
{
    static const char *const lists[] = {
        "local_addrs",
        "remote_addrs",
        "proposals",
        "vips",
        "pools",
        "certs",
        "cacerts",
        "pubkeys",
        "groups",
        "cert_policy",
        "local_ts",
        "esp_proposals",
        "ah_proposals",
        "remote_ts",
        "dns",
        "dns_domain",
        "nbns",
        "dhcp",
        "netmask",
        "server",
        "subnet",
        "split_include",
        "split_exclude",
        "crl_uris",
        "ocsp_uris",
        "#",
        NULL,
    };
    const char *const *at = lists;

    while (*at != NULL && !conf_fits(*at, name))
        at++;
    return *at != NULL;
}

static bool read_member(struct conf_reader *r, const struct node *n,
                        const struct conf_table *table, void *out)
{
    const struct conf_key *key;

    if (n->kind == NODE_SECTION)
        return has_section(table, n->name) || unknown_section(r, n, table);
    key = find_key(table, n->name);
    if (key == NULL)
        return unknown_key(r, n, table);
    if (n->file == NULL && is_list_of_vici(n->name) != (n->kind == NODE_LIST))
        return problem_at(r->why, n,
                          n->kind == NODE_LIST ? "expected one value, not a list"
                                               : "expected a list, not one value");
    return is_empty(n) || key->take(r, n, (char *)out + key->at, key->arg);
}

bool conf_read(struct conf_reader *r, const struct node *section,
               const struct conf_table *table, void *out)
{
    bool ok = true;

    for (const struct node *n = section->first; n != NULL; n = n->next)
        ok = (read_member(r, n, table, out) || conf_error(r)) && ok;
    return ok;
}

void conf_read_known(struct conf_reader *r, const struct node *section,
                     const struct conf_table *table, void *out)
{
    for (const struct node *n = section->first; n != NULL; n = n->next) {
        const struct conf_key *key = n->kind == NODE_SECTION ? NULL : find_key(table, n->name);

        if (key != NULL && !is_empty(n) && !key->take(r, n, (char *)out + key->at, key->arg))
            conf_warning(r);
    }
}

/* ---- texts ------------------------------------------------------------------ */

const char *conf_text(struct conf_reader *r, const struct node *n)
{
    if (n->kind == NODE_LIST && n->first != NULL && n->first == n->last)
        n = n->first;
    if (n->kind != NODE_VALUE) {
        problem_at(r->why, n, "expected one value, not a list");
        return NULL;
    }
    if (strlen(n->value) != n->value_len) {
        problem_at(r->why, n, "expected text, not octets");
        return NULL;
    }
    return n->value;
}

bool take_text(struct conf_reader *r, const struct node *n, void *field, const void *arg)
{
    const char *text = conf_text(r, n);

    (void)arg;
    if (text != NULL)
        *(const char **)field = mem_take_text(r->mem, text);
    return text != NULL;
}

static void texts_add(struct conf_reader *r, struct conf_texts *t, const char *from, size_t n)
{
    while (n > 0 && strchr(" \t", from[0]) != NULL) {
        from++;
        n--;
    }
    while (n > 0 && strchr(" \t", from[n - 1]) != NULL)
        n--;
    if (n == 0)
        return;
    t->v[t->n] = mem_take(r->mem, n + 1, 1);
    memcpy(t->v[t->n++], from, n);
}

static size_t count_items(const struct node *n)
{
    size_t count = 1;

    for (const struct node *item = n->first; item != NULL; item = item->next)
        count++;
    for (size_t i = 0; i < n->value_len; i++)
        count += n->value[i] == ',';
    return count;
}

bool take_texts(struct conf_reader *r, const struct node *n, void *field, const void *arg)
{
    struct conf_texts *t = field;
    const char *at = n->value;

    (void)arg;
    *t = (struct conf_texts){.v = mem_take(r->mem, count_items(n), sizeof(char *))};
    if (n->kind == NODE_LIST) {
        for (const struct node *item = n->first; item != NULL; item = item->next) {
            const char *text = conf_text(r, item);

            if (text == NULL)
                return false;
            texts_add(r, t, text, strlen(text));
        }
        return true;
    }
    if (conf_text(r, n) == NULL)
        return false;
    for (size_t len = strcspn(at, ","); *at != '\0'; len = strcspn(at, ",")) {
        texts_add(r, t, at, len);
        at += len + (at[len] == ',');
    }
    return true;
}

bool take_node(struct conf_reader *r, const struct node *n, void *field, const void *arg)
{
    (void)r;
    (void)arg;
    *(const struct node **)field = n;
    return true;
}

/* ---- words ------------------------------------------------------------------ */

static const struct conf_choice bool_words[] = {
    {"yes",      1},
    {"no",       0},
    {"true",     1},
    {"false",    0},
    {"1",        1},
    {"0",        0},
    {"enabled",  1},
    {"disabled", 0},
    {NULL,       0},
};

static const struct conf_choice *find_choice(const struct conf_choice *c, const char *word)
{
    for (; c->word != NULL; c++)
        if (strcasecmp(c->word, word) == 0)
            return c;
    return NULL;
}

bool take_bool(struct conf_reader *r, const struct node *n, void *field, const void *arg)
{
    const char *text = conf_text(r, n);
    const struct conf_choice *choice;

    (void)arg;
    if (text == NULL)
        return false;
    choice = find_choice(bool_words, text);
    if (choice == NULL)
        return problem_at(r->why, n, "expected yes or no, not '%s'", text);
    *(bool *)field = choice->value != 0;
    return true;
}

static bool wrong_choice(struct conf_reader *r, const struct node *n, const char *text,
                         const struct conf_choice *choices)
{
    struct suggest near = suggest_init(text);
    char list[200] = "", hint[80];

    for (const struct conf_choice *c = choices; c->word != NULL; c++) {
        size_t used = strlen(list);
        const char *between = c == choices ? "" : c[1].word == NULL ? " or " : ", ";

        snprintf(list + used, sizeof(list) - used, "%s%s", between, c->word);
        suggest_try(&near, c->word);
    }
    return problem_at(r->why, n, "expected %s, not '%s'%s", list, text,
                      suggest_hint(&near, hint, sizeof(hint)));
}

bool conf_choose(struct conf_reader *r, const struct node *n, const char *word,
                 const struct conf_choice *choices, uint8_t *out)
{
    const struct conf_choice *choice = find_choice(choices, word);

    if (choice == NULL)
        return wrong_choice(r, n, word, choices);
    *out = choice->value;
    return true;
}

bool take_choice(struct conf_reader *r, const struct node *n, void *field, const void *arg)
{
    const char *text = conf_text(r, n);

    if (text == NULL)
        return false;
    return conf_choose(r, n, text, arg, field);
}

/* ---- numbers ---------------------------------------------------------------- */

/* Decimal digits from *at on; false when there are none or they are too large. */
static bool take_digits(const char **at, uint64_t *out)
{
    uint64_t v = 0;
    const char *s = *at;

    for (; *s >= '0' && *s <= '9'; s++) {
        uint64_t digit = (uint64_t)(*s - '0');

        if (v > (UINT64_MAX - 1 - digit) / 10) /* UINT64_MAX is CONF_UNSET */
            return false;
        v = v * 10 + digit;
    }
    if (s == *at)
        return false;
    *at = s;
    *out = v;
    return true;
}

static bool multiply(uint64_t *v, uint64_t by)
{
    if (*v > (UINT64_MAX - 1) / by)
        return false;
    *v *= by;
    return true;
}

bool take_number(struct conf_reader *r, const struct node *n, void *field, const void *arg)
{
    static const struct conf_range any = {0, UINT32_MAX};
    const struct conf_range *range = arg != NULL ? arg : &any;
    const char *text = conf_text(r, n), *at = text;
    uint64_t v;

    if (text == NULL)
        return false;
    if (!take_digits(&at, &v) || *at != '\0' || v < range->min || v > range->max)
        return problem_at(r->why, n, "expected a number from %llu to %llu, not '%s'",
                          (unsigned long long)range->min, (unsigned long long)range->max, text);
    *(uint32_t *)field = (uint32_t)v;
    return true;
}

bool take_port(struct conf_reader *r, const struct node *n, void *field, const void *arg)
{
    static const struct conf_range ports = {1, 65535};
    uint32_t v;

    (void)arg;
    if (!take_number(r, n, &v, &ports))
        return false;
    *(uint16_t *)field = (uint16_t)v;
    return true;
}

static uint64_t unit_seconds(char unit)
{
    switch (unit) {
    case 'd':
    case 'D':
        return 86400;
    case 'h':
    case 'H':
        return 3600;
    case 'm':
    case 'M':
        return 60;
    default:
        return 1;
    }
}

/* "1h 30m", "90s", "90" */
static bool parse_time(const char *at, uint64_t *out)
{
    uint64_t sum = 0, v;

    while (*at != '\0') {
        if (!take_digits(&at, &v))
            return false;
        if (!multiply(&v, unit_seconds(*at)) || sum > UINT64_MAX - 1 - v)
            return false;
        sum += v;
        if (*at != '\0' && strchr("dDhHmMsS", *at) != NULL)
            at++;
        else if (*at != '\0')
            return false;
        while (*at == ' ')
            at++;
    }
    *out = sum;
    return true;
}

bool take_time(struct conf_reader *r, const struct node *n, void *field, const void *arg)
{
    const char *text = conf_text(r, n);

    (void)arg;
    if (text == NULL)
        return false;
    /* A hundred years: more is a slip, and sums of lifetimes may not overflow. */
    if (!parse_time(text, field) || *(uint64_t *)field > 36525u * 86400u)
        return problem_at(r->why, n, "expected a time like 30s, 10m, 4h or 1d, not '%s'", text);
    return true;
}

bool take_bytes(struct conf_reader *r, const struct node *n, void *field, const void *arg)
{
    const char *text = conf_text(r, n), *at = text;
    uint64_t v, by = 1;
    bool ok;

    (void)arg;
    if (text == NULL)
        return false;
    ok = take_digits(&at, &v);
    while (ok && *at == ' ')
        at++;
    if (ok && *at != '\0') {
        const char *unit = strchr("kKmMgG", *at++);

        ok = unit != NULL && *at == '\0';
        if (ok)
            by = *unit == 'k' || *unit == 'K'   ? 1024
                 : *unit == 'm' || *unit == 'M' ? 1048576
                                                : 1073741824;
    }
    if (!ok || !multiply(&v, by) || v > UINT64_MAX / 4)
        return problem_at(r->why, n, "expected octets like 1000000, 500M or 2G, not '%s'",
                          text);
    *(uint64_t *)field = v;
    return true;
}

bool take_count(struct conf_reader *r, const struct node *n, void *field, const void *arg)
{
    const char *text = conf_text(r, n), *at = text;
    uint64_t v;

    (void)arg;
    if (text == NULL)
        return false;
    if (!take_digits(&at, &v) || *at != '\0' || v > UINT64_MAX / 4)
        return problem_at(r->why, n, "expected a number, not '%s'", text);
    *(uint64_t *)field = v;
    return true;
}

/* ---- strongSwan's other keys ------------------------------------------------ */

const char *const conf_only_no[] = {"no", "0", "false", "disabled", NULL};
const char *const conf_only_yes[] = {"yes", "1", "true", "enabled", NULL};
const char *const conf_only_zero[] = {"0", "0s", "0/0x00000000", "0x00000000", "000000", NULL};

bool take_only(struct conf_reader *r, const struct node *n, void *field, const void *arg)
{
    const char *const *words = arg;
    const char *text = conf_text(r, n);

    (void)field;
    if (text == NULL)
        return false;
    for (const char *const *w = words; *w != NULL; w++)
        if (strcasecmp(*w, text) == 0)
            return true;
    return problem_unsupported(
        r->why, n, "key '%s' of strongSwan is not supported; only the default '%s' is accepted",
        n->name, words[0]);
}

bool take_idle(struct conf_reader *r, const struct node *n, void *field, const void *arg)
{
    const struct conf_idle *idle = arg;
    const char *text = conf_text(r, n);
    const char *const *same = idle->same;

    (void)field;
    if (text == NULL)
        return false;
    while (same != NULL && *same != NULL && strcasecmp(*same, text) != 0)
        same++;
    if (same == NULL || *same == NULL) {
        problem_at(r->why, n, "'%s' has no effect: %s", text, idle->why);
        conf_warning(r);
    }
    return true;
}

bool take_foreign(struct conf_reader *r, const struct node *n, void *field, const void *arg)
{
    (void)field;
    (void)arg;
    return problem_unsupported(r->why, n, "key '%s' of strongSwan is not supported", n->name);
}
