/* Limits that are there to fail, not to measure: a busy machine takes so many times as long as an
 * idle one. */
#ifndef TEST_PATIENCE_H
#define TEST_PATIENCE_H

enum { PATIENCE = 5 };

#endif
