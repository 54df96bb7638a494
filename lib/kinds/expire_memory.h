/* What an `expire` job remembers from run to run (tw_run.memory): which rules were confirmed and
 * which were asked about, where the fuse has tripped, the clocks, where to go on, and what to show
 * in a letter. As text; what cannot be read of it is not there. Pure. */
#ifndef TW_KINDS_EXPIRE_MEMORY_H
#define TW_KINDS_EXPIRE_MEMORY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "kinds/tasknotes.h"

/* The moment of a run, by both clocks. */
struct tw_expire_clocks {
    int64_t wall_s; /* Unix time; 0: none */
    int64_t boot_s; /* since the machine was started, sleep included */
    char boot[64];  /* which start that was; "": not known */
};

struct tw_expire_trip {
    char *where;   /* a domain, or "*" for all mail */
    int64_t count; /* messages that were due when it was told */
};

struct tw_expire_memory {
    char *rules;                    /* that were confirmed, as text; NULL: none, or too long */
    uint64_t confirmed;             /* their hash; 0: none */
    uint64_t asked;                 /* of the rules that the postmaster was asked about; 0: none */
    struct tw_expire_clocks clocks; /* of the last run */
    bool clock_told;                /* that they make no sense */
    struct tw_expire_trip *trips;
    size_t trip_count;
    struct tw_task_notes notes; /* where to go on, and lines for letters */
};

void tw_expire_memory_read(const char *text, struct tw_expire_memory *memory);
void tw_expire_memory_write(const struct tw_expire_memory *memory, struct tw_buf *out);
void tw_expire_memory_free(struct tw_expire_memory *memory);

/* 0: it has not tripped there. */
int64_t tw_expire_memory_trip(const struct tw_expire_memory *memory, const char *where);
/* Count 0: no longer. */
void tw_expire_memory_set_trip(struct tw_expire_memory *memory, const char *where, int64_t count);

#endif
