/* Log lines for VICI clients: the log event for who asked for it, control-log for who waits for
 * a command about that IKE SA, and the recent past for get-log, which is ours.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>

#include "kit/log.h"
#include "vici/inside.h"

enum { LEVEL_MAX = 1 }; /* finer ones would fill every client's buffer */

static struct node *line_tree(int level, enum log_group group, uint32_t ike, const char *conn,
                              const char *text)
{
    struct node *s = tree_new();

    tree_add_value(s, "group", log_group_name(group));
    tree_add_valuef(s, "level", "%d", level);
    if (ike != 0 && conn != NULL && conn[0] != '\0')
        tree_add_value(s, "ikesa-name", conn);
    if (ike != 0)
        tree_add_valuef(s, "ikesa-uniqueid", "%" PRIu32, ike);
    tree_add_value(s, "msg", text);
    return s;
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
    if (level <= LEVEL_MAX)
        vici_tell_all(v, VICI_EV_LOG, line);
    tree_free(line);
}

/* The lines the daemon remembers, as log events with the time they were written at. */
static bool more_log(struct vici_client *c)
{
    uint64_t at = c->work.at;
    const struct log_line *line = daemon_next_line(c->v->d, &at);
    struct node *message;

    if (line == NULL)
        return false;
    c->work.at = (uint32_t)at;
    if (line->level > LEVEL_MAX)
        return true;
    message = line_tree(line->level, line->group, line->ike, line->conn, line->text);
    tree_add_valuef(message, "time", "%" PRId64, line->unix_ms / 1000);
    vici_tell(c, VICI_EV_LOG, message);
    tree_free(message);
    return true;
}

void vici_cmd_get_log(struct vici_client *c, const struct node *req)
{
    (void)req;
    vici_stream(c, more_log);
}
