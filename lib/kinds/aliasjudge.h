/* What is wrong with one alias, for kind `aliases`: the gravest, as a code and a sentence. */
#ifndef TW_KINDS_ALIASJUDGE_H
#define TW_KINDS_ALIASJUDGE_H

#include <stddef.h>
#include <sys/types.h>

#include "kinds/kind.h"
#include "toaster/aliashome.h"

/* What is said of one aspect; without a pointer, so that a child can write it to a pipe. Zeroed:
 * nothing. */
struct tw_verdict {
    int level; /* enum tw_level */
    int step;  /* the default that it is about (tw_dotqmail_file); 0: the alias's own file */
    char code[32];
    char text[1500]; /* cut if longer */
};
void tw_verdict_say(struct tw_verdict *v, enum tw_level level, const char *code, const char *format,
                    ...) __attribute__((format(printf, 4, 5)));

/* By name, or "uid 7". */
struct tw_user_text {
    char text[64];
};
struct tw_user_text tw_user_name(uid_t uid);

/* `name` is the alias as it is told. In a process that has the rights of the home's user; the home
 * was looked through (tw_aliashome_look). */
void tw_alias_judge(struct tw_aliashome *home, size_t item, const char *name, struct tw_verdict *v);

#endif
