/* The installed sample is a configuration: as it stands for a device, and with what its
 * comments hold for the gateway.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "config/config.h"

#define SAMPLE TEST_SOURCE "/packaging/culvert.conf.sample"

static struct conf conf;
static struct creds *creds;
static struct pools *pools;

static int make(void **state)
{
    (void)state;
    conf = (struct conf){0};
    creds = creds_new();
    pools = pools_new();
    return 0;
}

static int drop(void **state)
{
    (void)state;
    conf_free(&conf);
    pools_free(pools);
    creds_free(creds);
    return 0;
}

static void assert_loads(const char *path)
{
    if (!conf_load(&conf, &(struct conf_source){.path = path}, creds, pools) ||
        conf.found.n > 0)
        fail_msg("%s", conf.found.n > 0 ? conf.found.v[0].problem.text : "no reason");
}

static void it_is_a_devices(void **state)
{
    const struct conn *c;

    (void)state;
    assert_loads(SAMPLE);
    c = conf.conns;
    assert_string_equal(c->cv.name, "platform");
    assert_null(c->next);
    assert_int_equal(c->cv.keyingtries, 0);
    assert_int_equal(c->cv.children[0]->start_action, CV_ACTION_START);
}

/* Commented lines are taken in and the device's connection is left out. */
static void write_gateways(FILE *out)
{
    FILE *in = fopen(SAMPLE, "r");
    bool theirs = false, commented = false;
    char line[256];

    assert_non_null(in);
    while (fgets(line, sizeof(line), in) != NULL) {
        if (strncmp(line, "# The gateway", 13) == 0)
            commented = true;
        else if (strncmp(line, "connections {", 13) == 0)
            theirs = true;
        else if (commented && line[0] == '#')
            fputs(line + 1, out);
        else if (!theirs && line[0] != '#')
            fputs(line, out);
        if (line[0] == '}')
            theirs = false;
        if (line[0] == '\n')
            commented = false;
    }
    fclose(in);
}

static void its_comments_are_a_gateways(void **state)
{
    char path[] = "/tmp/test_sample.XXXXXX";
    FILE *out = fdopen(mkstemp(path), "w");

    (void)state;
    write_gateways(out);
    fclose(out);
    assert_loads(path);
    unlink(path);
    assert_string_equal(conf.conns->cv.name, "devices");
    assert_null(conf.conns->next);
    assert_true(pools_has(pools, "fleet"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(it_is_a_devices, make, drop),
        cmocka_unit_test_setup_teardown(its_comments_are_a_gateways, make, drop),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
