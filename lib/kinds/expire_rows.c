/* What toasterctl lists. */
#include "kinds/expire_rows.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/units.h"

void tw_expire_row_due(struct tw_expire_scan *scan, const char *folder, enum tw_mail_dir dir,
                       const char *name, enum tw_expire_class class, int64_t age_s, int64_t bytes)
{
    char *path = tw_mailbox_path(&scan->mailbox);
    tw_list_put(&scan->rows, &(struct tw_listed){.address = scan->mailbox.address,
                                                 .mailbox = path,
                                                 .folder = folder,
                                                 .name = name,
                                                 .dir = dir,
                                                 .class = tw_expire_class_names[class],
                                                 .age_s = age_s,
                                                 .bytes = bytes});
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
        tw_list_put_number(&w, folder->messages);
    else
        tw_frame_put_text(&w, "");
    tw_list_put_number(&w, due.count);
    tw_list_put_number(&w, due.bytes);
    tw_list_put_number(&w, folder && class == TW_EXPIRE_SPAM ? folder->kept : 0);
    if (folder && class < TW_EXPIRE_CLASSES && folder->next_s[class] != INT64_MAX)
        tw_list_put_number(&w, folder->next_s[class]);
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
    if (task->what == TW_EXPIRE_LIST && task->child.only)
        tw_list_put_seen(out, scan->mailbox.address);
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
