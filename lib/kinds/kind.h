/* What a kind of job is: one row in the table (kinds.c), one file beside it. A kind knows its
 * settings, how to look, which evidence helps and what the admin could type; it knows neither
 * the event loop nor incidents. */
#ifndef TW_KINDS_KIND_H
#define TW_KINDS_KIND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/option.h"
#include "toaster/procfs.h"
#include "toaster/sources.h"

enum tw_level {
    TW_LEVEL_NONE, /* nothing is known: not yet, or since another aspect says why not (a file that
                      is gone has no size); leaves an incident as it is */
    TW_LEVEL_OK,
    TW_LEVEL_WARN, /* worth a line, no incident */
    TW_LEVEL_FAIL,
    TW_LEVEL_UNKNOWN /* could not look: never ok */
};
const char *tw_level_name(enum tw_level level); /* "ok", "warn", "fail", "unknown", "none" */

/* What a run says about one aspect of its job. Strings are borrowed for the call. */
struct tw_finding {
    enum tw_level level;
    const char *aspect; /* "": the main one; "log": written JOB/log */
    const char *code;   /* the reason in a word, e.g. "down": a new code is a new line in the log */
    const char *text;   /* for people: what was seen, without the job's name */
};

/* A job that runs of another kind must know of: what cleans must know what is still to be learned.
 */
struct tw_peer {
    const struct tw_kind *kind;
    const char *name;
    int64_t every_s;
    const void *settings;
};

/* Where things are on this machine; from the configuration, injected by tests. */
struct tw_places {
    const char *qmail_dir;            /* /var/qmail */
    const char *service_dir;          /* /var/service */
    const char *log_dir;              /* /var/log/mail */
    const char *proc_root;            /* /proc */
    const char *state_dir;            /* /var/lib/toaster-watcher */
    const char *hostname;             /* of this machine: the domain of its own users */
    const struct tw_sources *sources; /* of mailboxes */
    const struct tw_peer *peers;      /* of all kinds that are some kind's `peers` */
    size_t peer_count;
};

/* What a run has done, for the weekly report. Strings are borrowed for the call. */
struct tw_figure {
    const char *what; /* "expired", "learned as spam" */
    const char *of;   /* a domain; "": of all */
    int64_t count, bytes;
};

/* Where a run reports. Every member but `context` must be set. */
struct tw_sink {
    void (*finding)(void *context, const struct tw_finding *finding);
    /* A WARN line for what was seen and is over (a restart that supervise mended): no state. */
    void (*note)(void *context, const char *text);
    /* Run this job again at once when this process ends. Holds until the next run. */
    void (*watch_pid)(void *context, pid_t pid, uint64_t start_ticks);
    /* Run this job again at once when NAME in the directory is replaced, made or removed;
     * NULL: when any entry comes or goes. Holds until the next run. */
    void (*watch_dir)(void *context, const char *directory, const char *name);
    /* Run this job again so soon, beside its schedule. */
    void (*look_again)(void *context, int64_t in_ms);
    /* There is to be a job KIND.TITLE with these same settings (a title "*" does this). */
    void (*instance)(void *context, const char *title);
    /* To be given back as `memory` at the next run; survives restarts. */
    void (*remember)(void *context, const char *text);
    /* This run has changed something: a DONE line. */
    void (*done)(void *context, const char *text);
    /* To be added up until the next report. */
    void (*figure)(void *context, const struct tw_figure *figure);
    /* The job's `then` is due (somebody must be told what this run did). */
    void (*order)(void *context);
    /* It takes long and gets on: the deadline counts from now. In a worker only. */
    void (*progress)(void *context);
    void *context;
};

struct tw_run {
    const char *name;  /* "service.smtp" */
    const char *title; /* "smtp" */
    bool instance;     /* its "*" has brought it; not known in a worker */
    const void *settings;
    const struct tw_places *places;
    bool look_only;     /* nothing will be remembered of this run: it must change nothing */
    bool confirm;       /* a task: somebody has said that it may do what it had asked about */
    int64_t now_s;      /* Unix time */
    int64_t until_s;    /* a task: its window ends then, and so should it; 0: no end */
    int64_t every_s;    /* how often the job runs */
    const char *memory; /* of the last run; "" at the first */
    /* All processes of this moment; read at the first call, shared by the runs of a batch. NULL
     * with an error. */
    const struct tw_procs *(*procs)(void *context, struct tw_error *e);
    void *procs_context;
    const struct tw_sink *sink;
};

/* Where something that toasterctl asked for is told: rows of strings, as many as it takes. */
struct tw_teller {
    void (*row)(void *context, const char *const *fields, size_t count);
    void *context;
};
enum { TW_TELL_FIELDS_MAX = 16 };

/* Which rows a kind tells, so that whoever shows them need not know the kind. */
enum tw_tells {
    TW_TELLS_NOTHING,
    TW_TELLS_CLEANED, /* of mail that goes. "dry-run": kinds/listrows.h; "explain":
                         kinds/expire_rows.h; "mailboxes": kinds/maillist.h */
    TW_TELLS_LEARNED, /* of mail that is taught. "dry-run": kinds/listrows.h; "explain":
                         kinds/learn_rows.h; "forget": none */
    TW_TELLS_PROGRAM  /* of a program. "dry-run": kinds/programrows.h */
};

enum tw_place {
    TW_PLACE_LOOP,  /* in the daemon's own process: must not block, opens only what kind
                       `process` and `service` may */
    TW_PLACE_WORKER /* in toaster-worker */
};

struct tw_kind {
    const char *name;
    const struct tw_option *options; /* keys beside the common ones */
    size_t settings_size;
    bool star; /* the title "*" is allowed */
    /* A task changes something: it runs by its own schedule alone (its window; never at the start
     * of the daemon, by an event, or because all checks are asked for), is nice to others, and its
     * `timeout` counts from its last progress. NULL: a check. Else how often it runs by default. */
    const char *task_every;
    /* A check whose look takes several runs: each asks to look again, until one does not, whose
     * findings then count whatever has begun it. Not run once more before a letter. `every` is this
     * by default, whatever the configuration says of other checks. NULL: one run is a look. */
    const char *rounds_every;
    /* `every` must be longer than this. NULL: any will do. */
    int64_t (*longer_than_s)(const void *settings);
    /* The name of a kind whose jobs its runs must know of (places->peers). NULL: none. */
    const char *peers;
    /* Keys against each other, and against the title. NULL: nothing to say. */
    int (*validate)(const void *settings, const char *title, struct tw_error *e);
    /* NULL: always in a worker. */
    enum tw_place (*place)(const void *settings, const char *title);
    /* May a run go on for long, moving its deadline (sink->progress). NULL: never. Few of these
     * run at the same time, and they may wait for each other. */
    bool (*may_last)(const void *settings);
    /* One run: reports a finding of every aspect it has, TW_LEVEL_NONE for those it could not come
     * to; only where it asks to look again in a moment may it leave some out. */
    void (*run)(const struct tw_run *run);
    /* What to show in a letter about this aspect ("" is the main one): appended, unescaped,
     * bounded. In a worker. NULL: nothing. run->sink is not set. */
    void (*evidence)(const struct tw_run *run, const char *aspect, struct tw_buf *out);
    /* Answers toasterctl: what the kind knows to tell under this name. Changes nothing. In a worker
     * of toasterctl's own; run->memory is "". NULL: nothing. -1 with an error. `tells`: what rows
     * they are. */
    enum tw_tells tells;
    int (*tell)(const struct tw_run *run, const char *what, const struct tw_strings *arguments,
                const struct tw_teller *teller, struct tw_error *e);
    /* The command that would help, for the letter: one line. Pure. NULL: none. */
    void (*advice)(const struct tw_run *run, const char *aspect, const char *code,
                   struct tw_buf *out);
};

/* Is it the `peers` of any kind? */
bool tw_kind_is_peer(const struct tw_kind *kind);

extern const struct tw_kind tw_kind_learn;  /* for those that ask what it learns */
extern const struct tw_kind tw_kind_canary; /* and whose mailbox is none to learn from */

/* The table. */
extern const struct tw_kind *const tw_kinds[]; /* ends with NULL */
const struct tw_kind *tw_kind_find(const char *name);
enum tw_place tw_kind_place(const struct tw_kind *kind, const void *settings, const char *title);

/* For kinds: reports a finding with a formatted text. */
void tw_report(const struct tw_run *run, enum tw_level level, const char *aspect, const char *code,
               const char *format, ...) __attribute__((format(printf, 5, 6)));

/* For kinds: what waits for something long calls this now and then: the run gets on. */
void tw_report_progress(void *run);

/* Titles are [A-Za-z0-9._@-]+, at most 64 bytes, not beginning with '.' or '-'. Pure. */
bool tw_title_valid(const char *title);

#endif
