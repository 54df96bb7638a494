/* What stands in the way of a task: many things of few sorts. Each sort is counted, its first few
 * are kept as texts, and the gravest sort of an aspect becomes its finding. */
#ifndef TW_KINDS_PROBLEMS_H
#define TW_KINDS_PROBLEMS_H

#include "base/frame.h"
#include "base/strings.h"
#include "kinds/kind.h"

struct tw_problem_sort {
    char *code;
    int64_t count;
    struct tw_strings texts;
};

struct tw_problems {
    struct tw_problem_sort *sorts;
    size_t count;
};

/* `more` like it were not told. A sort beyond 64 is passed over: codes are ours, so there is none.
 */
void tw_problems_add(struct tw_problems *problems, const char *code, const char *text,
                     int64_t more);
/* A tw_mail_problem with a struct tw_problems as context. */
void tw_problems_tell(void *problems, const char *code, const char *text);
void tw_problems_free(struct tw_problems *problems);
int64_t tw_problems_total(const struct tw_problems *problems);

/* As a frame of any type: code, text, how many more. Texts are cut off at TW_PROBLEM_TEXT_MAX. */
enum { TW_PROBLEM_CODE_MAX = 1024, TW_PROBLEM_TEXT_MAX = 8000 };
void tw_problem_put(struct tw_buf *out, uint8_t type, const char *code, const char *text,
                    int64_t more);
/* All of them: a frame for each sort, with its first text. */
void tw_problems_put(struct tw_buf *out, uint8_t type, const struct tw_problems *problems);
/* 0: added. -1: not a whole, sane frame. */
int tw_problem_take(struct tw_problems *problems, struct tw_frame *frame);

/* Which aspect a sort belongs to, and how grave it is. */
struct tw_problem_rule {
    const char *code, *aspect;
    enum tw_level level;
};

/* Reports the gravest of an aspect's sorts as its finding, or `well`. All its texts are added to
 * `lines`, each behind the aspect and a blank. */
void tw_problems_report(const struct tw_run *run, const struct tw_problems *problems,
                        const struct tw_problem_rule *rules, size_t rule_count, const char *aspect,
                        const char *well, struct tw_strings *lines);

/* The same for the aspect `mailboxes`, whose sorts are those of toaster/mailowner.h and
 * mailboxes.h, and so alike for all that go over mailboxes. */
void tw_problems_report_mailboxes(const struct tw_run *run, const struct tw_problems *problems,
                                  struct tw_strings *lines);
/* And the main aspect: is there a source, a mailbox, one that is there? */
struct tw_mailbox_tally {
    int64_t mailboxes, missing;
    bool cut;       /* the window ended before all were gone over */
    bool prevented; /* they were not looked at, for what another aspect tells */
};
void tw_report_mailboxes(const struct tw_run *run, const struct tw_mailbox_tally *tally,
                         const char *summary);

#endif
