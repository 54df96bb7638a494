/* toasterctl's parts. */
#ifndef TW_CTL_CTL_H
#define TW_CTL_CTL_H

#include "config/config.h"
#include "watcher/aspects.h"
#include "watcher/control.h"

enum { CTL_OK = 0, CTL_FAILED = 1, CTL_USAGE = 100, CTL_SYSTEM = 111 };

struct ctl_verb;

struct ctl {
    const struct ctl_verb *verb;
    const char *file;               /* of the configuration, as given by -c; NULL: by default */
    const struct tw_config *config; /* NULL: the verb needs none (enum ctl_needs) */
    bool json, dry_run, confirm, learned, all, end, force;
    const char *output, *run_file, *to, *smtp; /* of -o, --run, --to, --smtp; NULL: not given */
    char **arguments;                          /* behind the verb and its options; ends with NULL */
};

/* What came over the control socket, or was found in the foreground. */
struct ctl_job {
    char *name;
    int64_t last_start_s, last_end_s, next_s, took_ms;
    bool running;
    size_t first, aspects; /* where its aspects begin in the answer, and how many stand there */
};

struct ctl_aspect {
    char *name, *job, *code, *text;
    enum tw_level level;
    enum tw_stage stage;
    int64_t since_s, opened_s;
};

struct ctl_silence {
    int64_t id, from_s, until_s;
    char *pattern, *by, *note;
};

struct ctl_answer {
    struct tw_control_incident *incidents;
    size_t incident_count;
    struct ctl_silence *silences;
    size_t silence_count;
    struct ctl_job *jobs;
    size_t job_count;
    struct ctl_aspect *aspects;
    size_t aspect_count;
    int code;   /* of the end frame */
    char *text; /* of the end frame */
};

/* One request to the daemon. 0: answered; 1: no daemon answers there; -1: error. */
int ctl_ask(const struct tw_config *config, const struct tw_buf *request, struct ctl_answer *answer,
            struct tw_error *e);
/* The same, with a limit for each time that the daemon has nothing to say. */
int ctl_ask_within(const struct tw_config *config, const struct tw_buf *request, int64_t limit_ms,
                   struct ctl_answer *answer, struct tw_error *e);
void ctl_answer_add(struct ctl_answer *answer, const struct tw_aspect *aspect);
void ctl_answer_free(struct ctl_answer *answer);

/* Runs jobs in this process and its workers, by the code that the daemon uses; no names: all. */
int ctl_foreground(const struct tw_config *config, char *const *names, struct ctl_answer *answer,
                   struct tw_error *e);

/* Prints "toasterctl: ..." escaped on standard error. */
void ctl_complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The same, then how the verb is used. CTL_USAGE. */
int ctl_misuse(const struct ctl *ctl, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Says so if a daemon has answered that has another configuration than -c names, or without -c than
 * a daemon would have that is started now. */
void ctl_tell_other_file(const struct ctl *ctl, const struct ctl_answer *answer);
/* "cannot DOING: WHY", unless `why` says itself what cannot be done. */
void ctl_complain_cannot(const char *doing, const char *why);

/* A file that the verb has made: to the new file of -o, never over one that is there, or to
 * standard output, of which main sees whether it took all. An exit code; what went wrong was said.
 */
int ctl_put_file(const struct ctl *ctl, const char *text, size_t length);

/* The verbs: exit codes. */
int ctl_status(const struct ctl *ctl);
int ctl_check(const struct ctl *ctl);
int ctl_run(const struct ctl *ctl);
int ctl_config(const struct ctl *ctl);
int ctl_forget(const struct ctl *ctl);
int ctl_mailboxes(const struct ctl *ctl);
int ctl_incidents(const struct ctl *ctl);
int ctl_silence(const struct ctl *ctl);
int ctl_ack(const struct ctl *ctl);
int ctl_test_alert(const struct ctl *ctl);
int ctl_send_test(const struct ctl *ctl);
int ctl_explain(const struct ctl *ctl);
int ctl_paths(const struct ctl *ctl);
int ctl_init(const struct ctl *ctl);
int ctl_help(const struct ctl *ctl);
int ctl_complete(const struct ctl *ctl);
int ctl_service(const struct ctl *ctl);
int ctl_import(const struct ctl *ctl);
int ctl_forget_learned(const struct ctl *ctl); /* of forget --learned */
int ctl_dry_run(const struct ctl *ctl);        /* of run --dry-run */

#endif
