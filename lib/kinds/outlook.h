/* Aspect `full` of kind `disk`: when will it be full at the pace of the last day? */
#ifndef TW_KINDS_OUTLOOK_H
#define TW_KINDS_OUTLOOK_H

#include "base/units.h"
#include "kinds/kind.h"
#include "toaster/volume.h"

/* Reports on the aspect and remembers what is left now. `full_in_s`: full sooner than this fails.
 * The memory says which path and file system it is of; any other, and one of another size, begins
 * anew. */
void tw_outlook_run(const struct tw_run *run, const char *path, const struct tw_volume *volume,
                    int64_t full_in_s);

/* For evidence: appends a line that says what was left over the last day of what is gone first.
 * True: that is inodes, not bytes. */
bool tw_outlook_show(const struct tw_run *run, const char *path, const struct tw_volume *volume,
                     int64_t full_in_s, struct tw_buf *out);

/* How many, as df -ih has it: in powers of 1024, no unit behind. Pure. */
struct tw_unit_text tw_count_show(int64_t count);

#endif
