/* A letter as JSON. */
#include "alert/hook.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "alert/letter.h"
#include "alert/message.h"
#include "alert/told.h"
#include "base/escape.h"
#include "base/mem.h"

static void add_text(struct tw_buf *out, const char *key, const char *value)
{
    tw_buf_printf(out, ", \"%s\": ", key);
    tw_escape_json(out, value);
}

static void add_time(struct tw_buf *out, const char *key, int64_t time_s)
{
    if (time_s)
        tw_buf_printf(out, ", \"%s\": %" PRId64, key, time_s);
    else
        tw_buf_printf(out, ", \"%s\": null", key);
}

struct list {
    struct tw_buf *out;
    size_t count;
};

static void add_incident(void *context, const struct tw_told *told)
{
    struct list *list = context;
    tw_buf_printf(list->out, "%s{\"id\": %" PRId64, list->count++ ? ",\n  " : "\n  ", told->id);
    add_text(list->out, "aspect", told->aspect);
    add_text(list->out, "state", tw_told_name(told->state));
    add_text(list->out, "level", tw_level_name(told->level));
    add_time(list->out, "opened", told->opened_s);
    add_time(list->out, "closed", told->closed_s);
    add_text(list->out, "text", told->text);
    tw_buf_puts(list->out, "}");
}

/* "<1795227165.000000001.77@mail.example.com>": the time it was written, and where. */
static void add_id(struct tw_buf *out, const char *text, size_t length)
{
    struct tw_buf id = {0};
    tw_letter_header(text, length, "Message-ID", &id);
    const char *inner = tw_buf_text(&id) + (tw_buf_text(&id)[0] == '<');
    const char *at = strchr(inner, '@');
    char *host = at ? tw_strndup(at + 1, strcspn(at + 1, ">")) : tw_strdup("");
    tw_buf_puts(out, "{\"host\": ");
    tw_escape_json(out, host);
    add_text(out, "id", tw_buf_text(&id));
    add_time(out, "time", strtoll(inner, NULL, 10));
    free(host);
    tw_buf_free(&id);
}

void tw_hook_write(const char *text, size_t length, struct tw_buf *out)
{
    struct tw_message_tally tally;
    struct tw_buf subject = {0};
    struct list list = {out, 0};
    tw_message_tally(text, length, &tally);
    add_id(out, text, length);
    tw_letter_header(text, length, "Subject", &subject);
    add_text(out, "type", tally.type);
    add_text(out, "subject", tw_buf_text(&subject));
    tw_buf_printf(out, ", \"failed\": %zu, \"recovered\": %zu, \"reminders\": %zu", tally.failed,
                  tally.recovered, tally.reminders);
    tw_buf_puts(out, ",\n \"incidents\": [");
    tw_told_each(text, length, add_incident, &list);
    const size_t all = tw_told_ids(text, length, NULL, NULL);
    tw_buf_printf(out, "], \"more\": %zu", all > list.count ? all - list.count : 0);
    const size_t body = tw_message_body(text, length);
    char *copy = tw_strndup(text + body, length - body);
    tw_buf_puts(out, ",\n \"text\": ");
    tw_escape_json(out, copy);
    tw_buf_puts(out, "}\n");
    free(copy);
    tw_buf_free(&subject);
}
