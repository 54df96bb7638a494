/* What a web hook gets of a letter: JSON, made from the message alone. The format is written down
 * in toaster-watcher.conf(5), section alert. */
#ifndef TW_ALERT_HOOK_H
#define TW_ALERT_HOOK_H

#include "base/buf.h"

/* Appends the body. `text` is a message as alert/letter.h writes it, merged ones too. Pure. */
void tw_hook_write(const char *text, size_t length, struct tw_buf *out);

#endif
