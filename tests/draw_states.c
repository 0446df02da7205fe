/* Draws docs/state-machine.md out of the table of step.c: the page is what the code does.
 * After a change of the table:  build/tests/draw_states > docs/state-machine.md
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "ike/step.h"

struct row {
    uint8_t state, kind, next, other;
    const char *exchange, *handler;
};

#define ROW(state, kind, exchange, handler, next, other)                                       \
    {ST_##state, kind, ST_##next, ST_##other, #exchange, #handler},
static const struct row rows[] = {IKE_RULES(ROW)};
#undef ROW

enum { ROWS = sizeof(rows) / sizeof(rows[0]) };

#define NAME(id, text) [id] = #id,
#define TEXT(id, text) [id] = text,
static const char *const state_names[] = {IKE_STATES(NAME)};
static const char *const state_texts[] = {IKE_STATES(TEXT)};
#undef NAME
#undef TEXT

static const char *const kind_texts[] = {
    [REQ] = "request",
    [RESP] = "response",
    [ANSWER_PSK] = "secret",
    [ANSWER_SIGNATURE] = "signature",
    [ANSWER_VERIFY] = "verdict",
    [ANSWER_ADMISSION] = "admission",
    [ANSWER_ADDRESS] = "address",
    [NO_ANSWER] = "no answer in time",
};

/* As the RFC writes it. */
static const char *exchange_text(const char *name)
{
    if (strcmp(name, "SA_INIT") == 0)
        return "IKE_SA_INIT";
    if (strcmp(name, "AUTH") == 0)
        return "IKE_AUTH";
    return strcmp(name, "CREATE_CHILD") == 0 ? "CREATE_CHILD_SA" : name;
}

/* Without the prefix. */
static const char *short_name(uint8_t state)
{
    return state_names[state] + strlen("ST_");
}

static void draw_arrow(const struct row *r, uint8_t to)
{
    if (r->state == ST_FREE)
        printf("    [*] --> ");
    else
        printf("    %s --> ", short_name(r->state));
    printf("%s: %s", to == ST_FREE ? "[*]" : short_name(to), kind_texts[r->kind]);
    if (r->kind == REQ || r->kind == RESP)
        printf(" %s", exchange_text(r->exchange));
    printf("\n");
}

/* The rules of the states from first to last. */
static void draw(const char *title, uint8_t first, uint8_t last, uint8_t also)
{
    printf("\n## %s\n```mermaid\nstateDiagram-v2\n", title);
    for (size_t i = 0; i < ROWS; i++) {
        const struct row *r = &rows[i];

        if ((r->state < first || r->state > last) && !(r->state == ST_FREE && r->next == also))
            continue;
        draw_arrow(r, r->next);
        if (r->other != ST_FREE)
            draw_arrow(r, r->other);
    }
    printf("```\n");
}

static void list_rules(void)
{
    printf("\n## The rules\n"
           "| state | what comes | exchange | handler | next |\n|---|---|---|---|---|\n");
    for (size_t i = 0; i < ROWS; i++) {
        const struct row *r = &rows[i];

        printf("| %s | %s | %s | `%s` | ", short_name(r->state), kind_texts[r->kind],
               exchange_text(r->exchange), r->handler);
        if (r->next == ST_FREE)
            printf("ends");
        else
            printf("%s", short_name(r->next));
        if (r->other != ST_FREE)
            printf(" or %s", short_name(r->other));
        printf(" |\n");
    }
}

static void list_states(void)
{
    printf("\n## The states\n| state | meaning |\n|---|---|\n");
    for (size_t i = 0; i < sizeof(state_names) / sizeof(state_names[0]); i++)
        printf("| %s | %s |\n", short_name((uint8_t)i), state_texts[i]);
}

int main(void)
{
    printf(
        "# The state machine of IKEv2\n\n"
        "Drawn from the table in `src/ike/step.h` by `tests/draw_states.c`; a test fails when\n"
        "this page is not what the code draws.\n\n"
        "One event in, at most one transition out. An event is a message of the peer, an\n"
        "answer of the host, or that the host gave none in time. A handler sees a `const` SA\n"
        "and says what to send, what to change and what to ask; one commit does it. Whatever "
        "a\n"
        "rule says, the SA may end instead: a request of its own (`cv_terminate_ike`), a\n"
        "handler that fails it, or time. An event without a rule is dropped and counted.\n\n"
        "What begins by itself has no rule: `cv_initiate` makes an SA in I_INIT, a rekey of "
        "the\n"
        "IKE SA one in UP, and our own delete leads from UP to DELETING.\n");
    draw("Coming up as the initiator", ST_I_INIT, ST_I_VERIFY, ST_I_INIT);
    draw("Coming up as the responder", ST_R_INIT, ST_R_SIGN, ST_R_INIT);
    draw("Up, and going down", ST_UP, ST_DELETING, ST_UP);
    list_rules();
    list_states();
    return 0;
}
