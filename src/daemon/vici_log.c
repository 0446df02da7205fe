/* Log lines for VICI clients: the log event for who asked for it, control-log for who waits for
 * a command about that IKE SA, and the recent past for get-log, which is ours.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "daemon/mem.h"
#include "daemon/vici_server.h"

enum { LEVEL_MAX = 1 }; /* finer ones would fill every client's buffer */

static struct node *line_tree(int level, enum log_group group, uint32_t ike, const char *conn,
                              const char *text)
{
    struct node *s = tree_new();

    tree_add_value(s, "group", log_group_name(group));
    tree_add_valuef(s, "level", "%d", level);
    if (ike != 0 && conn != NULL)
        tree_add_value(s, "ikesa-name", conn);
    if (ike != 0)
        tree_add_valuef(s, "ikesa-uniqueid", "%" PRIu32, ike);
    tree_add_value(s, "msg", text);
    return s;
}

static void remember(struct vici *v, int level, enum log_group group, uint32_t ike,
                     const char *conn, const char *text)
{
    struct vici_line *line = &v->history[v->history_next++ % VICI_HISTORY];

    free(line->conn);
    free(line->text);
    *line = (struct vici_line){.time_s = (int64_t)time(NULL),
                               .level = level,
                               .group = group,
                               .ike = ike,
                               .conn = mem_text(conn),
                               .text = mem_text_n(text, strnlen(text, VICI_LINE_MAX))};
}

/* While a command makes its first engine call the number of its IKE SA is not known yet. */
static bool concerns(const struct vici_client *c, int level, uint32_t ike)
{
    const struct vici_work *w = &c->work;

    if (w->hear == NULL || level > w->log_level || ike == 0)
        return false;
    if (w->calling || ike == w->ike)
        return true;
    for (unsigned i = 0; i < w->n_targets; i++)
        if (ike == w->targets[i].ike || (w->targets[i].ike == 0 && ike == w->targets[i].id))
            return true;
    return false;
}

void vici_log_line(void *vici, int level, enum log_group group, uint32_t ike, const char *conn,
                   const char *text)
{
    struct vici *v = vici;
    struct node *line = line_tree(level, group, ike, conn, text);

    for (struct vici_client *c = v->clients; c != NULL; c = c->next)
        if (concerns(c, level, ike))
            vici_tell(c, VICI_EV_CONTROL_LOG, line);
    if (level <= LEVEL_MAX) {
        vici_tell_all(v, VICI_EV_LOG, line);
        remember(v, level, group, ike, conn, text);
    }
    tree_free(line);
}

/* The lines kept, oldest first, as log events with the time; then the answer. */
static bool more_log(struct vici_client *c)
{
    const struct vici *v = c->v;
    const struct vici_line *line;
    struct node *message;

    while (c->work.at < VICI_HISTORY) {
        line = &v->history[(v->history_next + c->work.at++) % VICI_HISTORY];
        if (line->text == NULL)
            continue;
        message = line_tree(line->level, line->group, line->ike, line->conn, line->text);
        tree_add_valuef(message, "time", "%" PRId64, line->time_s);
        vici_tell(c, VICI_EV_LOG, message);
        tree_free(message);
        return true;
    }
    return false;
}

void vici_cmd_get_log(struct vici_client *c, const struct node *req)
{
    (void)req;
    vici_stream(c, more_log);
}

void vici_log_free(struct vici *v)
{
    for (unsigned i = 0; i < VICI_HISTORY; i++) {
        free(v->history[i].conn);
        free(v->history[i].text);
    }
}
