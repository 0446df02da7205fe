/* Random lives, one a seed.  A failing seed prints the command that replays it.
 *
 * CULVERT_SEEDS=n runs that many, CULVERT_FIRST=s starts there, CULVERT_SEED=s runs one
 * and prints its ladder when it fails.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "sim/chaos.h"
#include "sim/check.h"

enum { DEFAULT_SEEDS = 500, FAILURES_MAX = 20 };

static const char *program;

static uint64_t number_from(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);

    return text == NULL ? otherwise : strtoull(text, NULL, 10);
}

static void random_lives_end_in_agreement_and_then_in_nothing(void **state)
{
    uint64_t first = number_from("CULVERT_FIRST", 1);
    uint64_t n = number_from("CULVERT_SEEDS", DEFAULT_SEEDS);
    bool one = getenv("CULVERT_SEED") != NULL;
    unsigned failures = 0;

    (void)state;
    if (one) {
        first = number_from("CULVERT_SEED", 1);
        n = 1;
    }
    for (uint64_t seed = first; seed < first + n && failures < FAILURES_MAX; seed++) {
        char why[200] = "";

        if (chaos_run(seed, !one, why, sizeof(why)))
            continue;
        failures++;
        print_error("CULVERT_SEED=%llu %s   # %s\n", (unsigned long long)seed, program, why);
    }
    print_message("%llu seeds, %u failures\n", (unsigned long long)n, failures);
    assert_int_equal(failures, 0);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_lives_end_in_agreement_and_then_in_nothing),
    };

    program = argc > 0 ? argv[0] : "sim_test_random";
    return cmocka_run_group_tests(tests, NULL, NULL);
}
