/* What toasterctl lists. */
#include "kinds/expire_rows.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/units.h"

static void put_number(struct tw_frame_writer *w, int64_t number)
{
    char *text = tw_format("%" PRId64, number);
    tw_frame_put_text(w, text);
    free(text);
}

void tw_expire_row_due(struct tw_expire_scan *scan, const char *folder, enum tw_mail_dir dir,
                       const char *name, enum tw_expire_class class, int64_t age_s, int64_t bytes)
{
    char *path = tw_mailbox_path(&scan->mailbox);
    char *file =
        tw_format("%s/%s%s%s/%s", path, folder, folder[0] ? "/" : "", tw_mail_dir_names[dir], name);
    struct tw_frame_writer w = tw_frame_begin(&scan->rows, TW_CHILD_ROW);
    tw_frame_put_text(&w, scan->mailbox.address);
    tw_frame_put_text(&w, file);
    tw_frame_put_text(&w, tw_expire_class_names[class]);
    put_number(&w, age_s);
    put_number(&w, bytes);
    tw_frame_end(&w);
    free(file);
    free(path);
}

static void put_rule(struct tw_frame_writer *w, const struct tw_expire_rule *rule, size_t class)
{
    struct tw_buf limit = {0};
    if (class >= TW_EXPIRE_CLASSES) {
        for (int i = 0; i < 4; i++)
            tw_frame_put_text(w, "");
        return;
    }
    if (rule->limit_s[class] < 0)
        tw_buf_puts(&limit, "never");
    else
        tw_duration_write(&limit, rule->limit_s[class]);
    tw_frame_put_text(w, tw_expire_class_names[class]);
    tw_frame_put_text(w, tw_buf_text(&limit));
    tw_frame_put_text(w, rule->received[class] ? "received" : "moved");
    tw_frame_put_text(w, rule->from[class] ? rule->from[class] : "");
    tw_buf_free(&limit);
}

/* One row; class TW_EXPIRE_NONE: of a folder without rules. */
static void put_explain(struct tw_buf *out, const struct tw_expire_scan *scan,
                        const struct tw_expire_folder *folder, size_t class, bool first)
{
    struct tw_frame_writer w = tw_frame_begin(out, TW_CHILD_ROW);
    struct tw_buf shown = {0};
    struct tw_expire_amount due = {0, 0};
    char *path = tw_mailbox_path(&scan->mailbox);
    if (folder)
        tw_folder_show(folder->folder.path, &shown);
    if (folder && class < TW_EXPIRE_CLASSES)
        due = folder->due[class];
    tw_frame_put_text(&w, scan->mailbox.address);
    tw_frame_put_text(&w, path);
    tw_frame_put_text(&w, tw_buf_text(&shown));
    put_rule(&w, &scan->rule, class);
    tw_frame_put_text(&w, folder && folder->folder.no_expire ? "yes" : "");
    if (folder && first)
        put_number(&w, folder->messages);
    else
        tw_frame_put_text(&w, "");
    put_number(&w, due.count);
    put_number(&w, due.bytes);
    put_number(&w, folder && class == TW_EXPIRE_SPAM ? folder->kept : 0);
    if (folder && folder->next_s != INT64_MAX)
        put_number(&w, folder->next_s);
    else
        tw_frame_put_text(&w, "");
    tw_frame_end(&w);
    tw_buf_free(&shown);
    free(path);
}

static void explain_folder(struct tw_buf *out, const struct tw_expire_scan *scan,
                           const struct tw_expire_folder *folder)
{
    static const size_t classes[] = {
        [TW_FOLDER_OTHER] = TW_EXPIRE_NONE, [TW_FOLDER_INBOX] = TW_EXPIRE_READ,
        [TW_FOLDER_SENT] = TW_EXPIRE_SENT,  [TW_FOLDER_TRASH] = TW_EXPIRE_TRASH,
        [TW_FOLDER_SPAM] = TW_EXPIRE_SPAM,
    };
    put_explain(out, scan, folder, classes[folder->class], true);
    if (folder->class == TW_FOLDER_INBOX)
        put_explain(out, scan, folder, TW_EXPIRE_UNREAD, false);
    if (folder->due[TW_EXPIRE_TMP].count)
        put_explain(out, scan, folder, TW_EXPIRE_TMP, false);
}

void tw_expire_put_rows(struct tw_buf *out, const struct tw_expire_task *task,
                        const struct tw_expire_scan *scan)
{
    if (task->what == TW_EXPIRE_LIST && task->child.only) {
        struct tw_frame_writer w = tw_frame_begin(out, TW_CHILD_ROW);
        tw_frame_put_text(&w, scan->mailbox.address);
        tw_frame_end(&w);
    }
    for (size_t i = 0; i < scan->problem_count; i++)
        tw_problem_put(out, TW_CHILD_PROBLEM, scan->problems[i].code, scan->problems[i].text, 0);
    if (scan->rows.len)
        tw_buf_add(out, scan->rows.data, scan->rows.len);
    if (task->what != TW_EXPIRE_EXPLAIN)
        return;
    for (size_t i = 0; i < scan->folder_count; i++)
        explain_folder(out, scan, &scan->folders[i]);
    if (scan->folder_count == 0)
        put_explain(out, scan, NULL, TW_EXPIRE_NONE, true);
}
