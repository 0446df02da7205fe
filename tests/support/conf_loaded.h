/* A configuration loaded from text, and what its parts are expected to be.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_CONF_LOADED_H
#define TESTS_CONF_LOADED_H

#include "tests/support/conf_fixture.h"
#include "text/text.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define HOUR 3600u

static struct fixture f;

static inline void load(const char *text)
{
    if (!fixture_load(&f, text))
        fail_msg("%s", f.why.text);
}

static inline const struct conn *conn(const char *name)
{
    const struct conn *c = fixture_conn(&f, name);

    if (c == NULL)
        fail_msg("no connection %s", name);
    return c;
}

static inline const struct cv_child_config *child(const struct conn *c, const char *name)
{
    for (unsigned i = 0; i < c->cv.n_children; i++)
        if (strcmp(c->cv.children[i]->name, name) == 0)
            return c->cv.children[i];
    fail_msg("no child %s", name);
    return NULL;
}

static inline void assert_id(const struct cv_id *id, const char *expected)
{
    char text[256];

    id_format(text, sizeof(text), id);
    assert_string_equal(text, expected);
}

static inline void assert_ts(const struct cv_ts_config *ts, const char *expected)
{
    char text[128];

    ts_format(text, sizeof(text), &ts->ts);
    assert_string_equal(text, expected);
}

static inline void assert_proposal(const struct cv_proposal *p, const char *expected)
{
    char text[256];

    proposal_format(text, sizeof(text), p);
    assert_string_equal(text, expected);
}

static inline void assert_psk(const char *local, const char *remote, const char *expected)
{
    struct cv_id l, r;
    struct cv_span psk;

    assert_true(id_parse(&l, local, &f.why));
    assert_true(id_parse(&r, remote, &f.why));
    if (expected == NULL) {
        assert_int_equal(creds_psk(f.creds, &l, &r, &psk), CV_ERR_NO_CREDENTIAL);
        return;
    }
    assert_int_equal(creds_psk(f.creds, &l, &r, &psk), CV_OK);
    assert_int_equal(psk.n, strlen(expected));
    assert_memory_equal(psk.p, expected, psk.n);
}

#endif
