/* Owns the tables of the registry, from each version to the next.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "fleet/registry_inside.h"

const char *const registry_tables[] = {"device", "presence",    "secret",  "profile", "tenant",
                                       "code",   "certificate", "guess",   "event",   "change",
                                       "token",  "hook",        "setting", "counter", NULL};

/* A number that is free of NULL is 0 where there is none, a text is empty; addresses alone are
 * NULL, as they are unique.  Every index serves a list or a look-up of the API. */
static const char *const upgrades[REGISTRY_SCHEMA] = {
    "CREATE TABLE device (id BIGKEY, name TEXT NOT NULL UNIQUE, identity TEXT NOT NULL UNIQUE,"
    " tenant TEXT NOT NULL, profile TEXT NOT NULL, state BIGINT NOT NULL,"
    " credential TEXT NOT NULL, credential_end BIGINT NOT NULL, address TEXT UNIQUE,"
    " address6 TEXT UNIQUE, hardware TEXT NOT NULL, tags TEXT NOT NULL, notes TEXT NOT NULL,"
    " created BIGINT NOT NULL, changed BIGINT NOT NULL);"
    "CREATE INDEX device_state ON device (state, name);"
    "CREATE INDEX device_profile ON device (profile, name);"
    "CREATE INDEX device_tenant ON device (tenant, name);"
    "CREATE INDEX device_credential ON device (credential);"
    "CREATE TABLE presence (device BIGKEY, online BIGINT NOT NULL, gateway TEXT NOT NULL,"
    " endpoint TEXT NOT NULL, address TEXT NOT NULL, since BIGINT NOT NULL,"
    " seen BIGINT NOT NULL, rx BIGINT NOT NULL, tx BIGINT NOT NULL,"
    " rx_packets BIGINT NOT NULL, tx_packets BIGINT NOT NULL, drops BIGINT NOT NULL);"
    "CREATE INDEX presence_online ON presence (online, gateway);"
    "CREATE TABLE secret (device BIGKEY, value TEXT NOT NULL);"
    "CREATE TABLE profile (name TEXT PRIMARY KEY, notes TEXT NOT NULL, silent BIGINT NOT NULL,"
    " rules TEXT NOT NULL, created BIGINT NOT NULL, changed BIGINT NOT NULL);"
    "CREATE TABLE tenant (name TEXT PRIMARY KEY, notes TEXT NOT NULL, silent BIGINT NOT NULL,"
    " rules TEXT NOT NULL, created BIGINT NOT NULL, changed BIGINT NOT NULL);"
    "CREATE TABLE code (hash TEXT PRIMARY KEY, device BIGINT NOT NULL, ends BIGINT NOT NULL,"
    " used BIGINT NOT NULL, used_key TEXT NOT NULL);"
    "CREATE INDEX code_device ON code (device);"
    "CREATE TABLE certificate (serial TEXT PRIMARY KEY, device BIGINT NOT NULL,"
    " fingerprint TEXT NOT NULL, issued BIGINT NOT NULL, ends BIGINT NOT NULL,"
    " revoked BIGINT NOT NULL);"
    "CREATE INDEX certificate_device ON certificate (device);"
    "CREATE INDEX certificate_revoked ON certificate (revoked, serial);"
    "CREATE TABLE guess (source TEXT PRIMARY KEY, wrong BIGINT NOT NULL,"
    " until BIGINT NOT NULL, last BIGINT NOT NULL);"
    "CREATE INDEX guess_last ON guess (last);"
    "CREATE TABLE event (seq BIGKEY, at BIGINT NOT NULL, severity BIGINT NOT NULL,"
    " kind TEXT NOT NULL, device BIGINT NOT NULL, name TEXT NOT NULL, tenant TEXT NOT NULL,"
    " gateway TEXT NOT NULL, peer TEXT NOT NULL, words TEXT NOT NULL);"
    "CREATE INDEX event_device ON event (device, seq);"
    "CREATE INDEX event_severity ON event (severity, seq);"
    "CREATE TABLE change (seq BIGKEY, at BIGINT NOT NULL, device BIGINT NOT NULL,"
    " what TEXT NOT NULL, name TEXT NOT NULL);"
    "CREATE TABLE token (id BIGKEY, hash TEXT NOT NULL UNIQUE, kind BIGINT NOT NULL,"
    " name TEXT NOT NULL, scopes TEXT NOT NULL, tenant TEXT NOT NULL, created BIGINT NOT NULL,"
    " ends BIGINT NOT NULL, used BIGINT NOT NULL);"
    "CREATE INDEX token_kind ON token (kind, id);"
    "CREATE TABLE hook (id BIGKEY, name TEXT NOT NULL UNIQUE, url TEXT NOT NULL,"
    " secret TEXT NOT NULL, least BIGINT NOT NULL, tenant TEXT NOT NULL,"
    " created BIGINT NOT NULL, at BIGINT NOT NULL, tries BIGINT NOT NULL,"
    " next_ms BIGINT NOT NULL, last TEXT NOT NULL, owner TEXT NOT NULL,"
    " lease_ms BIGINT NOT NULL);"
    "CREATE TABLE setting (name TEXT PRIMARY KEY, value TEXT NOT NULL);",
};

/* Whoever comes first makes the first table, several gateways at once, too. */
static enum registry_err make_counters(struct registry *r, int64_t *version)
{
    static const char table[] =
        "CREATE TABLE IF NOT EXISTS counter (name TEXT PRIMARY KEY, value BIGINT NOT NULL)";
    enum registry_err err;

    *version = -1;
    err = registry_run(r, &(struct sql_call){.text = "SELECT value FROM counter WHERE name = "
                                                     "'schema'",
                                             .once = true,
                                             .each = registry_take_number,
                                             .ctx = version});
    if (err == REGISTRY_OK && *version >= 0)
        return err;
    if (err != REGISTRY_OK && err != REGISTRY_FAILED)
        return err;
    err = registry_run(r, &(struct sql_call){.text = table, .once = true});
    if (err == REGISTRY_EXISTS) /* another was quicker */
        err = registry_run(r, &(struct sql_call){.text = table, .once = true});
    return err;
}

/* Under the lock of the row that says which version this is. */
static enum registry_err upgrade(struct registry *r, void *ctx)
{
    int64_t from = 0;
    enum registry_err err = registry_take_numbers(r, "schema", 0, &from);

    (void)ctx;
    for (int64_t v = from; v < REGISTRY_SCHEMA && err == REGISTRY_OK; v++)
        err = registry_script(r, upgrades[v]);
    if (err == REGISTRY_OK && from < REGISTRY_SCHEMA)
        err = registry_take_numbers(r, "schema", REGISTRY_SCHEMA - from, &from);
    return err;
}

enum registry_err registry_prepare(struct registry *r)
{
    int64_t version;
    enum registry_err err = make_counters(r, &version);

    if (err != REGISTRY_OK || version == REGISTRY_SCHEMA)
        return err;
    if (version > REGISTRY_SCHEMA)
        return registry_say(r, REGISTRY_NEWER,
                            "%s is of a newer version (schema %lld, this one knows %d): it is "
                            "left alone; upgrade this host, or name another registry",
                            r->name, (long long)version, REGISTRY_SCHEMA);
    return registry_together(r, upgrade, NULL);
}
