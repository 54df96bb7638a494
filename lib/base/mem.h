/* Memory that is there or the process ends: without memory neither a check nor a letter can be
 * made, so the program says so on standard error and exits with 111; supervise starts it
 * afresh and the state is on disk. Everything is freed with free(). */
#ifndef TW_BASE_MEM_H
#define TW_BASE_MEM_H

#include <stddef.h>

void *tw_alloc(size_t size);                                  /* zeroed */
void *tw_realloc_array(void *old, size_t count, size_t size); /* checks the product */
char *tw_strdup(const char *text);                            /* NULL gives NULL */
char *tw_strndup(const char *text, size_t length);
char *tw_format(const char *format, ...) __attribute__((format(printf, 1, 2)));

#define TW_COUNT(array) (sizeof(array) / sizeof((array)[0]))

#endif
