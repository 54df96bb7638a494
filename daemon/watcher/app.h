/* The daemon as a whole: the one context, wiring, start and stop. */
#ifndef TW_WATCHER_APP_H
#define TW_WATCHER_APP_H

#include "config/config.h"

struct tw_app_options {
    const char *config_file;
    int log_fd;
};

/* Runs until told to stop. 0: stopped as asked; 100: no configuration to run with; 111: the system
 * failed us. Has said why in the log. */
int tw_app_run(const struct tw_app_options *options);

#endif
