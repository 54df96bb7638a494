/* Private to lib/setup: the jobs of a first configuration. */
#ifndef TW_SETUP_INITIAL_JOBS_H
#define TW_SETUP_INITIAL_JOBS_H

#include "setup/initial.h"

/* Services, their logs, daemons, files and aliases of qmail, disks. */
void tw_initial_jobs(const struct tw_machine *machine, struct tw_buf *out, struct tw_buf *notes);

#endif
