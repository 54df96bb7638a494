/* What the parts of the verb `service` share. */
#ifndef TW_CTL_SERVICE_H
#define TW_CTL_SERVICE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "ctl/ctl.h"
#include "toaster/supervise.h"

struct ctl_services {
    const struct ctl *ctl;
    const char *supervise, *service, *log; /* directories; found, where there is no configuration */
};

/* One supervise: a service's, or its log's. */
struct ctl_service {
    char *name;     /* as it was given: "smtp/log" */
    char *base;     /* "smtp" */
    char *base_dir; /* SERVICE/smtp, or SUPERVISE/smtp where it is not linked */
    char *path;     /* of this one: base_dir, or base_dir/log */
    bool log, linked;
};

/* A name that was given, where it is found. 0: its directory is there; else an exit code, and what
 * is wrong was said. `doing` is "restart" of "cannot restart smtp: ...". */
int ctl_service_find(const struct ctl_services *places, const char *doing, const char *name,
                     struct ctl_service *out);
void ctl_service_free(struct ctl_service *service);
/* False, and says so: it is no name for a service (with `log`: or NAME/log). */
bool ctl_service_name_valid(const char *doing, const char *name, bool log);

/* What the configuration says of the key for this service: by its own job or "*", as the option's
 * type has it; NULL: nothing does. */
const void *ctl_service_setting(const struct ctl_services *places, const char *name,
                                const char *key);

/* "up (pid 7) for 2h 3m, want down, normally down". Not escaped. */
void ctl_service_describe(struct tw_buf *out, const struct tw_supervise_status *status,
                          bool normally_up, int64_t now_s);
/* Is there a file `down`? */
bool ctl_service_normally_up(const char *path);

void ctl_service_pause(int milliseconds);
/* Prints a line on standard output, escaped. */
void ctl_service_print(const char *format, ...) __attribute__((format(printf, 1, 2)));

int ctl_service_list(const struct ctl_services *places);
int ctl_service_test(const struct ctl_services *places, char *const *names);
int ctl_service_up(const struct ctl_services *places, const char *name);
int ctl_service_down(const struct ctl_services *places, const char *name);
int ctl_service_restart(const struct ctl_services *places, const char *name);
int ctl_service_rotate(const struct ctl_services *places, const char *name);
int ctl_service_create(const struct ctl_services *places, const char *name);
int ctl_service_link(const struct ctl_services *places, const char *name);
int ctl_service_unlink(const struct ctl_services *places, const char *name);

/* How long one waits for a change, and how often one looks. */
enum { CTL_SERVICE_LIMIT_MS = 10000, CTL_SERVICE_LOOK_MS = 50 };

/* Every service of the service directory, sorted, and those of the supervise directory that are not
 * linked. -1: cannot look, and that was said. */
struct ctl_service_entry {
    char *name, *path;
    bool linked;
};
struct ctl_service_entries {
    struct ctl_service_entry *items;
    size_t count;
};
int ctl_service_entries(const struct ctl_services *places, struct ctl_service_entries *out);
void ctl_service_entries_free(struct ctl_service_entries *entries);

#endif
