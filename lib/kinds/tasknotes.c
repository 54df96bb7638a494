/* What the tasks that go over mailboxes remember alike. */
#include "kinds/tasknotes.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "kinds/ownerchild.h"

enum { REPORT_MAX = 20 * 1024 };

static void take_at(struct tw_task_notes *notes, const char *rest)
{
    char *end;
    notes->at_uid = strtoll(rest, &end, 10);
    if (*end != ' ' || !end[1])
        return;
    free(notes->at);
    notes->at = tw_strdup(end + 1);
}

bool tw_task_notes_take(struct tw_task_notes *notes, const char *word, const char *rest)
{
    if (strcmp(word, "at") == 0)
        take_at(notes, rest);
    else if (strcmp(word, "report") == 0)
        tw_strings_add(&notes->report, rest);
    else
        return false;
    return true;
}

void tw_task_notes_read(const char *text, struct tw_task_notes *notes)
{
    *notes = (struct tw_task_notes){0};
    while (*text) {
        const size_t length = strcspn(text, "\n");
        char *line = tw_strndup(text, length), *rest = strchr(line, ' ');
        if (rest) {
            *rest++ = '\0';
            (void)tw_task_notes_take(notes, line, rest);
        }
        free(line);
        text += length + (text[length] == '\n');
    }
}

/* One line, whatever is in it. */
static void write_line(struct tw_buf *out, const char *word, const char *text)
{
    tw_buf_printf(out, "%s ", word);
    for (; *text; text++)
        tw_buf_add(out, *text == '\n' ? " " : text, 1);
    tw_buf_puts(out, "\n");
}

void tw_task_notes_write(const struct tw_task_notes *notes, struct tw_buf *out)
{
    if (notes->at)
        tw_buf_printf(out, "at %" PRId64 " %s\n", notes->at_uid, notes->at);
    const size_t before = out->len;
    for (size_t i = 0; i < notes->report.count; i++) {
        if (out->len - before + strlen(notes->report.items[i]) > REPORT_MAX)
            break;
        write_line(out, "report", notes->report.items[i]);
    }
}

void tw_task_notes_free(struct tw_task_notes *notes)
{
    free(notes->at);
    tw_strings_free(&notes->report);
    *notes = (struct tw_task_notes){0};
}

void tw_task_notes_show(const struct tw_task_notes *notes, const char *aspect, struct tw_buf *out)
{
    const size_t length = strlen(aspect);
    for (size_t i = 0; i < notes->report.count; i++) {
        const char *line = notes->report.items[i];
        if (strncmp(line, aspect, length) == 0 && line[length] == ' ')
            tw_buf_printf(out, "%s\n", line + length + 1);
    }
}

void tw_task_notes_go_on(struct tw_task_notes *notes, uid_t uid, const char *at)
{
    free(notes->at);
    notes->at = tw_strdup(at);
    notes->at_uid = uid;
}

void tw_task_go_round(struct tw_task_notes *notes, const struct tw_mail_owners *owners,
                      tw_task_each *each, void *context)
{
    const size_t count = owners->count;
    size_t first = 0;
    char *after = NULL;
    bool anew = false;
    for (size_t i = 0; i < count && notes->at; i++)
        if ((int64_t)owners->items[i].uid == notes->at_uid) {
            first = i;
            if (strcmp(notes->at, TW_CHILD_NONE_DONE) != 0)
                after = tw_strdup(notes->at);
        }
    free(notes->at);
    notes->at = NULL;
    for (size_t i = 0; i < count; i++) {
        const bool again = each(context, (first + i) % count, i == 0 ? after : NULL, NULL);
        anew = i == 0 ? again : anew;
    }
    if (after && !anew)
        (void)each(context, first, NULL, after);
    free(after);
}
