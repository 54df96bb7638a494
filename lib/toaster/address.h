/* Addresses of mailboxes, and the patterns that name some of them: user@domain, *@domain.
 * Compared without regard to case (ASCII). Pure. */
#ifndef TW_TOASTER_ADDRESS_H
#define TW_TOASTER_ADDRESS_H

#include "base/error.h"

enum tw_address_match {
    TW_ADDRESS_OTHER,  /* it does not match */
    TW_ADDRESS_DOMAIN, /* by *@domain */
    TW_ADDRESS_EXACT   /* by user@domain: goes before the former */
};

/* Is it one of the two forms: one "@", something on both sides, no blank or control character, no
 * "*" but as the whole user. An error says what to write. */
int tw_address_check(const char *pattern, struct tw_error *e);

enum tw_address_match tw_address_matches(const char *pattern, const char *address);

#endif
