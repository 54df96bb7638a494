/* The file of passwords for servers that ask for one: lines "HOST USER PASSWORD", blanks between
 * them, the password up to the end of the line; empty lines and those that begin with # do not
 * count. With - as user the password is a token (HTTP: "Authorization: Bearer TOKEN"). */
#ifndef TW_BASE_PASSWORDS_H
#define TW_BASE_PASSWORDS_H

#include "base/error.h"

/* Is it a regular file that belongs to root or to us, that nobody else has any right to, and whose
 * lines are as above? The error says what is not, and where. Blocks on the disk. */
int tw_passwords_check(const char *path, struct tw_error *e);

/* The user and password for a host (any case); the caller frees. 1: there is one; 0: none for this
 * host (both NULL); -1: error, as above. */
int tw_passwords_find(const char *path, const char *host, char **user, char **password,
                      struct tw_error *e);

#endif
