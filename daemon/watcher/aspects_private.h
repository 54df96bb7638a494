/* Shared by aspects.c (what is known) and aspectstate.c (the same on disk). */
#ifndef TW_WATCHER_ASPECTS_PRIVATE_H
#define TW_WATCHER_ASPECTS_PRIVATE_H

#include "watcher/aspects.h"

struct tw_aspects {
    struct tw_log *log;
    struct tw_state *state;
    void (*news)(void *context, struct tw_aspect *aspect, enum tw_incident_news what);
    void *context;
    void (*over)(void *context, const struct tw_over *over); /* NULL: nobody wants to know */
    void *over_context;
    int64_t patience_ms;
    int64_t last_id;                    /* of all incidents */
    int64_t rows_id;                    /* of those that the state knew at the start */
    const struct tw_silences *silences; /* NULL: none */
    struct tw_aspect **items;           /* sorted by job, then part */
    size_t count;
};

/* The aspect of a job; NULL: there is none. A new one, which must not be there. */
struct tw_aspect *tw_aspects_find_part(const struct tw_aspects *a, const char *job,
                                       const char *part);
struct tw_aspect *tw_aspects_add(struct tw_aspects *a, const char *job, const char *part);
void tw_aspect_set_text(char **where, const char *text);

/* Its row; its incident's, if it has one (closed_s 0: it is on); both. */
void tw_aspect_save(const struct tw_aspects *a, const struct tw_aspect *aspect);
void tw_aspect_save_incident(const struct tw_aspects *a, const struct tw_aspect *aspect,
                             const struct tw_incident *incident, int64_t closed_s);
void tw_aspect_save_both(const struct tw_aspects *a, const struct tw_aspect *aspect);

#endif
